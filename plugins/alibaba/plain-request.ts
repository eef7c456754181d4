import type { Agent } from "undici";
import { systemCodeOf } from "../../harness/errors.ts";
import { AlibabaFault } from "./fault.ts";

export interface PlainRequest {
  readonly method: "GET" | "PUT";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** These answers are a token, a name or a small object. */
const answerCharactersMax = 64 * 1024;

/**
 * The text of an unsigned request, as credentials are handed out to a machine. Neither the URL nor what the transport says of a failure is
 * told.
 * @param from - in words: `the metadata service`
 * @throws AlibabaFault, or the signal's reason
 */
export async function plainText(agent: Agent, from: string, { method, url, headers = {}, signal }: PlainRequest): Promise<string> {
  try {
    const { origin, pathname, search } = url;
    const { statusCode, body } = await agent.request({ origin, path: `${pathname}${search}`, method, headers, signal });
    const text = await body.text();
    if (statusCode === 200 && text.length <= answerCharactersMax) return text;
    throw new AlibabaFault(
      statusCode >= 500 ? "unavailable" : "no-credentials",
      "credentials",
      `${from} answered with HTTP ${statusCode}.`,
      {
        httpStatus: statusCode,
      },
    );
  } catch (thrown) {
    signal.throwIfAborted();
    if (thrown instanceof AlibabaFault) throw thrown;
    const code = systemCodeOf(thrown);
    const shown = code !== undefined && /^[A-Z][A-Z_]{2,39}$/.test(code) ? ` (${code})` : "";
    throw new AlibabaFault("unavailable", "credentials", `${from} could not be reached${shown}.`);
  }
}
