import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { type Dispatcher, EnvHttpProxyAgent, fetch } from "undici";
import type { Clock } from "../../clock.ts";
import { messageOf } from "../../errors.ts";
import { WayFailed } from "./way.ts";

/** Without an answer or another byte for so long, a download has failed. */
const silenceMsMax = 20_000;
/** A machine without internet is to find out quickly. */
const connectMsMax = 5_000;

/** How downloads reach the outside. */
export interface Network {
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Connections through the proxies that the environment names (HTTP_PROXY, HTTPS_PROXY, NO_PROXY). Close it after use. */
export function openDispatcher(environment: Readonly<Record<string, string | undefined>>): Dispatcher {
  const named = (name: string) => environment[name.toLowerCase()] || environment[name] || "";
  return new EnvHttpProxyAgent({
    httpProxy: named("HTTP_PROXY"),
    httpsProxy: named("HTTPS_PROXY"),
    noProxy: named("NO_PROXY"),
    connect: { timeout: connectMsMax },
  });
}

/**
 * A small text.
 * @throws WayFailed; the signal's reason
 */
export async function downloadText(url: string, network: Network): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of bytesAt(url, network)) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}

/**
 * Writes what lies at `url` to `path`, which is of no use until this has resolved.
 * @param expected - the SHA-256 in hexadecimal that the bytes must have
 * @param onProgress - bytes so far, and of how many if the server said so
 * @throws WayFailed, also for a wrong checksum; a system error when the file cannot be written; the signal's reason
 */
export async function downloadFile(
  url: string,
  path: string,
  expected: string,
  network: Network,
  onProgress: (done: number, total: number | undefined) => void,
): Promise<void> {
  const hash = createHash("sha256");
  let done = 0;
  const counted = async function* () {
    let total: number | undefined;
    const onLength = (length: number | undefined) => {
      total = length;
    };
    for await (const part of bytesAt(url, network, onLength)) {
      hash.update(part);
      done += part.length;
      onProgress(done, total);
      yield part;
    }
  };
  await pipeline(counted, createWriteStream(path));
  const actual = hash.digest("hex");
  if (actual !== expected) throw new WayFailed(`${url} has the SHA-256 ${actual} and not ${expected}, so it was thrown away`);
}

async function* bytesAt(
  url: string,
  { dispatcher, clock, signal }: Network,
  onLength: (total: number | undefined) => void = () => {},
): AsyncGenerator<Uint8Array> {
  const silence = new AbortController();
  const soon = async <T>(answer: Promise<T>): Promise<T> => {
    using _timer = clock.startTimer(silenceMsMax, () => silence.abort());
    try {
      return await answer;
    } catch (thrown) {
      signal.throwIfAborted();
      if (silence.signal.aborted) throw new WayFailed(`${url} sent nothing for ${silenceMsMax / 1000} s`);
      // fetch wraps what happened in an error that only says "fetch failed".
      throw new WayFailed(`${url} could not be fetched: ${messageOf((thrown instanceof Error && thrown.cause) || thrown)}`);
    }
  };
  const response = await soon(fetch(url, { dispatcher, signal: AbortSignal.any([signal, silence.signal]) }));
  if (!response.ok) {
    await response.body?.cancel();
    throw new WayFailed(`${url} answers HTTP ${response.status}`);
  }
  const length = response.headers.get("content-length");
  onLength(length === null ? undefined : Number(length));
  if (response.body === null) return;
  const reader = response.body.getReader();
  try {
    for (let read = await soon(reader.read()); !read.done; read = await soon(reader.read())) yield read.value;
  } finally {
    await reader.cancel().catch(() => {});
  }
}
