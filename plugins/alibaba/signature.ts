import { createHash, createHmac } from "node:crypto";

/** Names and values as they are before any encoding; a name may come more than once, a value may be empty. */
export type Parameters = Iterable<readonly [name: string, value: string]>;

/** Of an empty body. */
export const emptyPayloadHash = hashPayload(new Uint8Array());

/** The value of `x-acs-content-sha256`: SHA-256 of the body, hexadecimal. */
export function hashPayload(body: Uint8Array): string {
  return createHash("sha256").update(body).digest("hex");
}

/** RFC 3986, section 2.1: all but `A-Z a-z 0-9 - _ . ~` is escaped, unlike `encodeURIComponent`, which leaves `!'()*`. */
export function percentEncode(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** `a=1&b=2`, encoded and sorted by the encoded names, then values. */
export function canonicalQuery(parameters: Parameters): string {
  const pairs = [...parameters].map(([name, value]) => [percentEncode(name), percentEncode(value)] as const);
  // Not as whole texts: `=` would come behind `.` and the digits, and so `a` behind `a.1`.
  return pairs
    .sort(([nameA, valueA], [nameB, valueB]) => compare(nameA, nameB) || compare(valueA, valueB))
    .map((pair) => pair.join("="))
    .join("&");
}

export interface V3Request {
  readonly method: string;
  /** Encoded as it is sent; `/` for RPC. */
  readonly path: string;
  readonly query: Parameters;
  /** Names in lower case. Just these are signed, and `SignedHeaders` names them. */
  readonly headers: ReadonlyMap<string, string>;
  /** As {@link hashPayload} gives it. */
  readonly payloadHash: string;
}

/**
 * The signature `ACS3-HMAC-SHA256`, hexadecimal, over a request and those of its headers that are given (spec alibaba-cloud 3.2; the key is
 * the secret itself, no key is derived for the day).
 */
export function signV3(request: V3Request, secret: string): string {
  return createHmac("sha256", secret)
    .update(`ACS3-HMAC-SHA256\n${hashV3(request)}`)
    .digest("hex");
}

/** SHA-256 of the canonical request, hexadecimal. */
export function hashV3({ method, path, query, headers, payloadHash }: V3Request): string {
  const sorted = [...headers].sort(([a], [b]) => compare(a, b));
  const lines = sorted.map(([name, value]) => `${name}:${value.trim()}\n`).join("");
  const canonical = [method, path, canonicalQuery(query), lines, signedHeaderNames(headers), payloadHash].join("\n");
  return createHash("sha256").update(canonical).digest("hex");
}

/** The value of `SignedHeaders`. */
export function signedHeaderNames(headers: ReadonlyMap<string, string>): string {
  return [...headers.keys()].sort().join(";");
}

/**
 * The signature of RPC with `SignatureVersion=1.0`, base64 of an HMAC-SHA1 over all parameters of query and form but `Signature` (spec
 * alibaba-cloud 3.1). Older SDKs still send it.
 */
export function signV1(method: string, parameters: Parameters, secret: string): string {
  const text = `${method}&${percentEncode("/")}&${percentEncode(canonicalQuery(parameters))}`;
  return createHmac("sha1", `${secret}&`).update(text).digest("base64");
}

/** By code units; all is ASCII here. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
