import type { Header } from "./hpack.ts";

/** What the headers of a gRPC request say ("gRPC over HTTP2", Requests). */
export interface RequestHead {
  readonly path: string;
  /** Milliseconds, with fractions; undefined where the caller waits without end. */
  readonly timeoutMs: number | undefined;
  /** `content-length`, where it was sent. */
  readonly contentBytes: number | undefined;
}

/** Headers that RFC 9113 allows, and that no call is made of. */
export interface RefusedHead {
  readonly httpStatus: number;
  readonly grpcCode: number;
  readonly message: string;
}

/** Headers that RFC 9113 section 8.1.1 calls malformed. */
export type MalformedHead = "malformed";

const resourceExhausted = 8;
const unimplemented = 12;
const internal = 13;
const unknown = 2;

/** What a request's headers may come to (SETTINGS_MAX_HEADER_LIST_SIZE, RFC 9113 section 6.5.2: 32 for each beside its bytes). */
export const headerListBytesMax = 16_384;

const pseudoHeaders: ReadonlySet<string> = new Set([":method", ":scheme", ":path", ":authority"]);
/** RFC 9113 section 8.2.2. */
const connectionHeaders: ReadonlySet<string> = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);
/** A token of RFC 9110 section 5.6.2 without capitals. */
const fieldName = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
/** RFC 9110 section 5.5: no control characters but the tab, and no blank at either end. RFC 9113 section 8.2.1 wants little less. */
const fieldValue = /^(?![ \t])[\t\x20-\x7e\x80-\xff]*(?<![ \t])$/;

/** Judges the decoded headers of a request. */
export function requestHeadOf(headers: readonly Header[]): RequestHead | RefusedHead | MalformedHead {
  if (listBytesOf(headers) > headerListBytesMax) return refusal(431, resourceExhausted, "The headers of the request are too long.");
  const values = new Map<string, string>();
  let areRegular = false;
  for (const [name, value] of headers) {
    const isPseudo = name.startsWith(":");
    if (isPseudo ? areRegular || !pseudoHeaders.has(name) || values.has(name) : !fieldName.test(name)) return "malformed";
    if (!fieldValue.test(value) || connectionHeaders.has(name) || (name === "te" && value !== "trailers")) return "malformed";
    areRegular ||= !isPseudo;
    // The first counts where one must stand there once; the second of a length that is another is malformed, as everywhere in HTTP.
    if (!values.has(name)) values.set(name, value);
    else if (name === "content-length" && values.get(name) !== value) return "malformed";
  }
  const [method, path] = [values.get(":method"), values.get(":path")];
  if (method === undefined || !values.has(":scheme") || path === undefined || path === "") return "malformed";
  const contentLength = values.get("content-length");
  if (contentLength !== undefined && !/^\d{1,15}$/.test(contentLength)) return "malformed";

  if (method !== "POST") return refusal(405, internal, "A gRPC call is made by POST.");
  if (!/^application\/grpc(?:$|[+;])/i.test(values.get("content-type") ?? "")) {
    return refusal(415, unknown, "The content-type of a gRPC call begins with application/grpc.");
  }
  const timeout = values.get("grpc-timeout");
  const timeoutMs = timeout === undefined ? undefined : timeoutMsOf(timeout);
  if (Number.isNaN(timeoutMs)) return refusal(200, internal, "The grpc-timeout of the request is none.");
  if ((values.get("grpc-encoding") ?? "identity") !== "identity") {
    return refusal(200, unimplemented, "This server takes no compressed messages.");
  }
  return {
    path,
    timeoutMs,
    contentBytes: contentLength === undefined ? undefined : Number(contentLength),
  };
}

/** Whether a request may end with these headers (RFC 9113 section 8.1). */
export function areTrailers(headers: readonly Header[]): boolean {
  return headers.every(([name, value]) => fieldName.test(name) && fieldValue.test(value) && !connectionHeaders.has(name));
}

function listBytesOf(headers: readonly Header[]): number {
  return headers.reduce((bytes, [name, value]) => bytes + name.length + value.length + 32, 0);
}

function refusal(httpStatus: number, grpcCode: number, message: string): RefusedHead {
  return { httpStatus, grpcCode, message };
}

const timeoutUnitsMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** NaN where it is no TimeoutValue of at most eight digits and a TimeoutUnit. */
function timeoutMsOf(text: string): number {
  const unitMs = timeoutUnitsMs[text.slice(-1)];
  return unitMs === undefined || !/^\d{1,8}.$/.test(text) ? Number.NaN : Number(text.slice(0, -1)) * unitMs;
}
