import { Http2Error } from "./frames.ts";

/** Error codes of RFC 9113 section 7. */
export const http2ErrorCodes = {
  noError: 0x0,
  protocolError: 0x1,
  flowControlError: 0x3,
  streamClosed: 0x5,
  frameSizeError: 0x6,
  refusedStream: 0x7,
  compressionError: 0x9,
  enhanceYourCalm: 0xb,
} as const;

/** The peer did what ends a whole connection (RFC 9113 section 5.4.1). The message quotes nothing that the peer sent. */
export class ConnectionError extends Http2Error {
  constructor(errorCode: number, message: string) {
    super(message, errorCode);
    this.name = "ConnectionError";
  }
}
