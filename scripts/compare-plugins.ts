import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "../harness/clock.ts";
import { clientPreface, frameBytes, frameFlags, frameHeaderBytes, frameTypes, windowUpdateBytes } from "../harness/kms/http2/frames.ts";
import { encodeLiterals, HpackDecoder } from "../harness/kms/http2/hpack.ts";
import { kmsV2Service } from "../harness/kms/messages.ts";
import { requireListening } from "../harness/kms/socket.ts";
import { Lease } from "../harness/lease.ts";
import { Random } from "../harness/random.ts";
import { machineFacts } from "../harness/run/machine.ts";
import { buildGoPlugin, GoPlugin, goLack } from "../plugins/testing/go-plugin.ts";

/**
 * The bundled plugin against one on the service package that Kubernetes publishes for Go, both with AES-256-GCM and their keys in a file:
 * the same calls from the same client over one connection each, in turns. Prints a table; exit code 1 where the bundled one is slower
 * beyond doubt: an interval of the ratio of the rates that lies below 1, or of the p99 that lies above it. On two cores the client has one.
 * Usage: node scripts/compare-plugins.ts [ROUNDS [SECONDS]]
 */
const rounds = Number(process.argv[2] ?? 9);
const roundMs = 1000 * Number(process.argv[3] ?? 1);
const warmUpMs = 1500;
const resamples = 2000;
const startMsMax = 20_000;
const pollMs = 20;
const uid = "00000000-0000-4000-8000-000000000000";

/** Calls one method over and over on one connection. As bare as can be, so that it is the plugin that is measured. */
class Caller implements Disposable {
  readonly #socket: Socket;
  readonly #decoder = new HpackDecoder();
  readonly #outgoing: Buffer[] = [];
  #rest = Buffer.alloc(0);
  #nextStreamId = 1;
  #receivedBytes = 0;
  #answer: Buffer = Buffer.alloc(0);
  /** Told of each call that went well, and of its answer without the prefix. */
  onAnswer: (streamId: number, answer: Buffer) => void = () => {};

  constructor(path: string) {
    this.#socket = connect(path);
    this.#socket.on("data", (chunk: Buffer) => this.#read(chunk));
    const windows = Buffer.from("00047fff0000", "hex");
    this.#socket.write(
      Buffer.concat([clientPreface, frameBytes(frameTypes.settings, 0, 0, windows), windowUpdateBytes(0, 0x7fff0000 - 0xffff)]),
    );
  }

  /** Begins a call and returns its stream; it goes out with {@link flush}, or when the answers at hand have been read. */
  send(request: Request): number {
    const streamId = this.#nextStreamId;
    this.#nextStreamId += 2;
    const bytes = Buffer.from(request.bytes);
    for (const at of request.streamIdsAt) bytes.writeUInt32BE(streamId, at);
    this.#outgoing.push(bytes);
    return streamId;
  }

  flush(): void {
    if (this.#outgoing.length > 0) this.#socket.write(Buffer.concat(this.#outgoing.splice(0)));
  }

  /** One call, and what it answers. */
  once(request: Request): Promise<Buffer> {
    return new Promise((resolve) => {
      this.onAnswer = (_streamId, answer) => resolve(Buffer.from(answer));
      this.send(request);
      this.flush();
    });
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (at + frameHeaderBytes <= bytes.length) {
      const end = at + frameHeaderBytes + (bytes.readUInt32BE(at) >>> 8);
      if (end > bytes.length) break;
      this.#take(bytes.readUInt8(at + 3), bytes.readUInt8(at + 4), bytes.readUInt32BE(at + 5), bytes.subarray(at + frameHeaderBytes, end));
      at = end;
    }
    this.#rest = Buffer.from(bytes.subarray(at));
    this.#receivedBytes += chunk.length;
    if (this.#receivedBytes > 0x10000000) {
      this.#outgoing.push(windowUpdateBytes(0, this.#receivedBytes));
      this.#receivedBytes = 0;
    }
    this.flush();
  }

  #take(type: number, flags: number, streamId: number, payload: Buffer): void {
    const isAck = (flags & frameFlags.ack) !== 0;
    switch (type) {
      case frameTypes.data:
        this.#answer = payload.subarray(5);
        return;
      case frameTypes.headers: {
        const headers = this.#decoder.decode(payload);
        if ((flags & frameFlags.endStream) === 0) return;
        const status = headers.find(([name]) => name === "grpc-status")?.[1];
        if (status !== "0") throw new Error(`A call ended with the gRPC status ${status}.`);
        this.onAnswer(streamId, this.#answer);
        return;
      }
      case frameTypes.settings:
      case frameTypes.ping:
        if (!isAck) this.#outgoing.push(frameBytes(type, frameFlags.ack, 0, type === frameTypes.ping ? payload : Buffer.alloc(0)));
        return;
      case frameTypes.windowUpdate:
        return;
      case frameTypes.rstStream:
        // grpc-go ends so a stream that it answered before it had seen the request's end.
        if (payload.readUInt32BE(0) === 0) return;
    }
    throw new Error(`The plugin sent a frame of type ${type} that ends the measurement.`);
  }
}

/** A call as frames, and where in them the stream's number stands. */
interface Request {
  readonly bytes: Buffer;
  readonly streamIdsAt: readonly [number, number];
}

function requestOf(path: string, message: Uint8Array): Request {
  const block = encodeLiterals([
    [":method", "POST"],
    [":scheme", "http"],
    [":path", path],
    [":authority", "localhost"],
    ["content-type", "application/grpc"],
    ["te", "trailers"],
    ["grpc-timeout", "3S"],
  ]);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  const headers = frameBytes(frameTypes.headers, frameFlags.endHeaders, 0, block);
  const data = frameBytes(frameTypes.data, frameFlags.endStream, 0, Buffer.concat([prefix, message]));
  return { bytes: Buffer.concat([headers, data]), streamIdsAt: [5, headers.length + 5] };
}

/** One of the two, with its requests and where it is connected. */
interface Contender {
  readonly pid: number;
  readonly caller: Caller;
  readonly requests: Readonly<Record<"Encrypt" | "Decrypt", Request>>;
}

interface Round {
  readonly callsPerSecond: number;
  readonly p99Ms: number;
  /** CPU of the plugin's process, and of this one, a call. */
  readonly cpuUs: number;
  readonly clientCpuUs: number;
}

async function contenderOf(socket: string, pid: number, stack: DisposableStack): Promise<Contender> {
  const caller = stack.use(new Caller(socket));
  const { Encrypt, Decrypt } = kmsV2Service;
  const plaintext = new Random("compare-plugins").bytes(32);
  const encrypt = requestOf(Encrypt.path, Encrypt.requestSerialize({ plaintext, uid }));
  const encrypted = Encrypt.responseDeserialize(await caller.once(encrypt));
  const decrypt = requestOf(Decrypt.path, Decrypt.requestSerialize({ ...encrypted, uid }));
  const decrypted = Decrypt.responseDeserialize(await caller.once(decrypt));
  if (Buffer.compare(decrypted.plaintext, plaintext) !== 0) throw new Error("The plugin does not give back what it was given.");
  return { pid, caller, requests: { Encrypt: encrypt, Decrypt: decrypt } };
}

async function round({ pid, caller, requests }: Contender, method: "Encrypt" | "Decrypt", inFlight: number, ms: number): Promise<Round> {
  const request = requests[method];
  const latenciesMs: number[] = [];
  const sentMs = new Map<number, number>();
  const [cpuBeforeUs, clientBefore] = [cpuUsOf(pid), process.cpuUsage()];
  const startMs = systemClock.monotonicMs();
  const { promise: allAnswered, resolve } = Promise.withResolvers<void>();
  const send = () => sentMs.set(caller.send(request), systemClock.monotonicMs());
  caller.onAnswer = (streamId) => {
    const nowMs = systemClock.monotonicMs();
    latenciesMs.push(nowMs - (sentMs.get(streamId) ?? Number.NaN));
    sentMs.delete(streamId);
    if (nowMs - startMs < ms) send();
    else if (sentMs.size === 0) resolve();
  };
  for (let begun = 0; begun < inFlight; begun++) send();
  caller.flush();
  await allAnswered;
  const tookMs = systemClock.monotonicMs() - startMs;
  const client = process.cpuUsage(clientBefore);
  const calls = latenciesMs.length;
  return {
    callsPerSecond: (1000 * calls) / tookMs,
    p99Ms: latenciesMs.sort((a, b) => a - b)[Math.floor(0.99 * calls)] ?? Number.NaN,
    cpuUs: (cpuUsOf(pid) - cpuBeforeUs) / calls,
    clientCpuUs: (client.user + client.system) / calls,
  };
}

/** Started as the one in Go is, in the same session: some kernels share out the processors by sessions. */
async function startOwnPlugin(folder: string): Promise<{ readonly socket: string; readonly pid: number } & AsyncDisposable> {
  const socket = join(folder, "own.sock");
  const cli = fileURLToPath(new URL("../harness/cli.ts", import.meta.url));
  const words = ["plugin", "--socket", socket, "--key-file", join(folder, "own-keys.json")];
  const child = spawn(process.execPath, [cli, ...words], { stdio: "ignore" });
  await once(child, "spawn");
  const ended = once(child, "exit");
  const { pid = 0 } = child;
  for (const giveUpMs = systemClock.monotonicMs() + startMsMax; ; await systemClock.sleep(pollMs)) {
    try {
      await requireListening(socket);
      break;
    } catch (thrown) {
      if (child.exitCode !== null || systemClock.monotonicMs() > giveUpMs) throw thrown;
    }
  }
  return {
    socket,
    pid,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** What a process and its threads have used, proc(5): fields 14 and 15, in hundredths of a second. */
function cpuUsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return 10_000 * (Number(fields[11]) + Number(fields[12]));
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [below = 0, above = 0] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return (below + above) / 2;
}

/** The 95 % bootstrap interval of the median, by percentiles. */
function interval(values: readonly number[]): [low: number, high: number] {
  const medians = Array.from({ length: resamples }, () => median(values.map(() => values[random.below(values.length)] ?? 0)));
  const sorted = medians.toSorted((a, b) => a - b);
  return [sorted[Math.floor(0.025 * resamples)] ?? 0, sorted[Math.ceil(0.975 * resamples) - 1] ?? 0];
}

const lack = await goLack();
if (lack !== undefined) {
  process.stderr.write(`There is nothing to compare with: ${lack}\n`);
  process.exit(2);
}
const random = new Random("compare-plugins");
await using lease = Lease.take("compare-plugins", async () => {});
const program = await buildGoPlugin(lease.folder);
await using goPlugin = await GoPlugin.start({ program, folder: lease.folder, kms: "v2" });
await using ownPlugin = await startOwnPlugin(lease.folder);
if (goPlugin.pid === undefined) throw new Error("The plugin in Go has ended.");
using stack = new DisposableStack();
const go = await contenderOf(goPlugin.socket, goPlugin.pid, stack);
const own = await contenderOf(ownPlugin.socket, ownPlugin.pid, stack);

const { cpu, cpus, system, node } = machineFacts();
process.stdout.write(`${cpus} × ${cpu}, ${system}, Node.js ${node}; ${rounds} rounds of ${roundMs / 1000} s each way\n\n`);
process.stdout.write(
  "| method | in flight | calls/s: Go | own | ratio (95 % interval) | p99, ms: Go | own | ratio (95 % interval) | CPU a call, µs: Go | own | client |\n" +
    "|---|---|---|---|---|---|---|---|---|---|---|\n",
);
let isSlower = false;
for (const method of ["Encrypt", "Decrypt"] as const) {
  for (const each of [go, own]) await round(each, method, 32, warmUpMs);
  for (const inFlight of [1, 8, 32, 128]) {
    const all: { go: Round; own: Round }[] = [];
    for (let index = 0; index < rounds; index++) {
      // Which goes first is drawn, so that neither always finds the warmer caches.
      const isGoFirst = random.below(2) === 0;
      const first = await round(isGoFirst ? go : own, method, inFlight, roundMs);
      const second = await round(isGoFirst ? own : go, method, inFlight, roundMs);
      all.push(isGoFirst ? { go: first, own: second } : { go: second, own: first });
    }
    const of = (value: (pair: { go: Round; own: Round }) => number) => median(all.map(value));
    const [rates, p99s] = [
      all.map((pair) => pair.own.callsPerSecond / pair.go.callsPerSecond),
      all.map((pair) => pair.own.p99Ms / pair.go.p99Ms),
    ];
    if (interval(rates)[1] < 1 || interval(p99s)[0] > 1) isSlower = true;
    const inWords = (ratios: readonly number[]) =>
      `${median(ratios).toFixed(2)} (${interval(ratios)
        .map((end) => end.toFixed(2))
        .join("–")})`;
    const cells = [
      method,
      inFlight,
      Math.round(of((pair) => pair.go.callsPerSecond)),
      Math.round(of((pair) => pair.own.callsPerSecond)),
      inWords(rates),
      of((pair) => pair.go.p99Ms).toFixed(3),
      of((pair) => pair.own.p99Ms).toFixed(3),
      inWords(p99s),
      of((pair) => pair.go.cpuUs).toFixed(1),
      of((pair) => pair.own.cpuUs).toFixed(1),
      of((pair) => pair.own.clientCpuUs).toFixed(1),
    ];
    process.stdout.write(`| ${cells.join(" | ")} |\n`);
  }
}
process.exitCode = isSlower ? 1 : 0;
