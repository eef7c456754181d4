import { errorCodes, frameBytes, frameFlags, frameTypes, headersBytes } from "./frames.ts";
import { encodeLiterals, type Header } from "./hpack.ts";

const unknown = 2;
const internal = 13;

/** How a reset by the server reads as a gRPC status ("gRPC over HTTP2", HTTP2 Transport Mapping, Errors). */
const grpcCodesOfResets: ReadonlyMap<number, number> = new Map([
  [errorCodes.refusedStream, 14],
  [errorCodes.cancel, 1],
  [errorCodes.enhanceYourCalm, 8],
  [errorCodes.inadequateSecurity, 7],
]);

/** The gRPC status that a client makes of a server's RST_STREAM. */
export function grpcCodeOfReset(payload: Buffer): number {
  const errorCode = payload.length === 4 ? payload.readUInt32BE(0) : undefined;
  return (errorCode === undefined ? undefined : grpcCodesOfResets.get(errorCode)) ?? internal;
}

/** The `grpc-status` of trailers; 2 (Unknown), as a client takes it, where there is none that could be one. */
export function grpcCodeOfTrailers(headers: readonly Header[]): number {
  const value = headers.find(([name]) => name === "grpc-status")?.[1] ?? "";
  return /^\d{1,9}$/.test(value) ? Number(value) : unknown;
}

/** The header block of an answer that is nothing but a failure ("gRPC over HTTP2", Trailers-Only). */
export function trailersOnly(grpcCode: number, message: string): Buffer {
  return encodeLiterals([
    [":status", "200"],
    ["content-type", "application/grpc"],
    ["grpc-status", String(grpcCode)],
    ["grpc-message", percentEncode(message)],
  ]);
}

/** The gRPC status that a client makes of an HTTP status where the answer has no status of its own ("HTTP to gRPC Status Code Mapping"). */
export function grpcCodeOfHttpStatus(status: string): number {
  return grpcCodesOfHttpStatuses.get(status) ?? unknown;
}

const grpcCodesOfHttpStatuses: ReadonlyMap<string, number> = new Map([
  ["400", internal],
  ["401", 16],
  ["403", 7],
  ["404", 12],
  ["429", 14],
  ["502", 14],
  ["503", 14],
  ["504", 14],
]);

/** The text of a `grpc-message`; what is not encoded as it should be stays as it is. */
export function percentDecode(message: string): string {
  if (!message.includes("%")) return message;
  const bytes: number[] = [];
  for (let at = 0; at < message.length; at++) {
    const [, hex] = /^%([0-9A-Fa-f]{2})/.exec(message.slice(at, at + 3)) ?? [];
    bytes.push(hex === undefined ? message.charCodeAt(at) : Number.parseInt(hex, 16));
    if (hex !== undefined) at += 2;
  }
  return Buffer.from(bytes).toString("utf8");
}

/** A message as it stands in DATA frames ("gRPC over HTTP2", Length-Prefixed-Message), not compressed. */
export function lengthPrefixed(message: Uint8Array): Buffer {
  const bytes = Buffer.alloc(5 + message.length);
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, 5);
  return bytes;
}

/**
 * The frames of an answer with one message and the status OK ("gRPC over HTTP2", Responses).
 * @param prefixed - the message as {@link lengthPrefixed} makes it, at most 16 KiB.
 */
export function answerBytes(streamId: number, prefixed: Buffer): Buffer {
  const headers: Header[] = [
    [":status", "200"],
    ["content-type", "application/grpc"],
  ];
  return Buffer.concat([
    headersBytes(streamId, 0, encodeLiterals(headers)),
    frameBytes(frameTypes.data, 0, streamId, prefixed),
    headersBytes(streamId, frameFlags.endStream, encodeLiterals([["grpc-status", "0"]])),
  ]);
}

/** As `grpc-message` is sent: printable ASCII as it is, except %. */
function percentEncode(message: string): string {
  return Array.from(Buffer.from(message, "utf8"), (byte) =>
    byte >= 0x20 && byte <= 0x7e && byte !== 0x25 ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
  ).join("");
}
