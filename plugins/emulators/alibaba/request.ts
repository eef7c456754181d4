import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { CloudError } from "./service.ts";

/** Far above what any operation takes: 6 KB of plaintext, 32 KB of policy. */
const bodyBytesMax = 1024 * 1024;

export type Pairs = readonly (readonly [name: string, value: string])[];

/** A request as it came, read but not trusted. */
export interface GatewayRequest {
  readonly method: string;
  /** As sent, without the query. */
  readonly path: string;
  /** Decoded as a form is: some clients write a blank as `+`, others as `%20` (spec alibaba-cloud 3.3). */
  readonly query: Pairs;
  /** The body's pairs, where it is a form. */
  readonly form: Pairs;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly sourceAddress: string;
}

/** @throws CloudError 413 where the body is too large. */
export async function readRequest(message: IncomingMessage): Promise<GatewayRequest> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message) {
    const part: Buffer = Buffer.from(chunk);
    bytes += part.length;
    if (bytes > bodyBytesMax) throw new CloudError(413, "RequestEntityTooLarge", "The body of the request is too large.");
    chunks.push(part);
  }
  const body = Buffer.concat(chunks);
  const url = message.url ?? "/";
  const at = url.indexOf("?");
  const isForm = message.headers["content-type"]?.toLowerCase().startsWith("application/x-www-form-urlencoded") === true;
  return {
    method: message.method ?? "GET",
    path: at < 0 ? url : url.slice(0, at),
    query: at < 0 ? [] : [...new URLSearchParams(url.slice(at + 1))],
    form: isForm ? [...new URLSearchParams(body.toString("utf8"))] : [],
    headers: message.headers,
    body,
    sourceAddress: (message.socket.remoteAddress ?? "").replace(/^::ffff:/, ""),
  };
}

/** A header's one value, or undefined. */
export function header({ headers }: Pick<GatewayRequest, "headers">, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : value?.join(", ");
}

/** All parameters by name. @throws CloudError 400 where one comes twice, since it would not be clear which one counts. */
export function parametersOf({ query, form }: Pick<GatewayRequest, "query" | "form">): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const [name, value] of [...query, ...form]) {
    if (parameters.has(name)) throw new CloudError(400, "InvalidParameter", "A parameter of the request comes more than once.");
    parameters.set(name, value);
  }
  return parameters;
}

/** The JSON body, or undefined where there is none. @throws CloudError 400 where it says that it is JSON and is not. */
export function jsonBodyOf({ headers, body }: Pick<GatewayRequest, "headers" | "body">): unknown {
  if (body.length === 0 || headers["content-type"]?.toLowerCase().startsWith("application/json") !== true) return undefined;
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    throw new CloudError(400, "ParseRequestParameterException", "The body of the request is no JSON.");
  }
}
