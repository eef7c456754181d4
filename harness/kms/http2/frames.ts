/**
 * HTTP/2 frames as a relay sees them: where each begins and ends, and the few that it reads or makes itself. RFC 9113, sections 4 and 6.
 */

/** Types of RFC 9113 section 6, and `preface`, which is not on the wire: the 24 bytes with which a client begins. */
export const frameTypes = {
  data: 0x0,
  headers: 0x1,
  priority: 0x2,
  rstStream: 0x3,
  settings: 0x4,
  pushPromise: 0x5,
  ping: 0x6,
  goAway: 0x7,
  windowUpdate: 0x8,
  continuation: 0x9,
  preface: 0x100,
} as const;

/** Flags of the frames that this module reads; their meaning depends on the type. */
export const frameFlags = { endStream: 0x1, ack: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

/** What a client sends before its first frame (RFC 9113 section 3.4). */
export const clientPreface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/** Error codes of RFC 9113 section 7 that are read or sent here. */
export const errorCodes = {
  noError: 0x0,
  protocolError: 0x1,
  flowControlError: 0x3,
  streamClosed: 0x5,
  frameSizeError: 0x6,
  refusedStream: 0x7,
  cancel: 0x8,
  compressionError: 0x9,
  enhanceYourCalm: 0xb,
  inadequateSecurity: 0xc,
} as const;

/** By number, as RFC 9113 section 7 names them. */
const errorNames: readonly string[] = [
  "NO_ERROR",
  "PROTOCOL_ERROR",
  "INTERNAL_ERROR",
  "FLOW_CONTROL_ERROR",
  "SETTINGS_TIMEOUT",
  "STREAM_CLOSED",
  "FRAME_SIZE_ERROR",
  "REFUSED_STREAM",
  "CANCEL",
  "COMPRESSION_ERROR",
  "CONNECT_ERROR",
  "ENHANCE_YOUR_CALM",
  "INADEQUATE_SECURITY",
  "HTTP_1_1_REQUIRED",
];

/** The name of an error code of RST_STREAM or GOAWAY. */
export function errorNameOf(code: number): string {
  return errorNames[code] ?? `error code ${code}`;
}

/** The peers do not speak HTTP/2 as RFC 9113 says, or not in a way that this relay can follow. */
export class Http2Error extends Error {
  /** Of {@link errorCodes}: what the peer is told where somebody tells it. */
  readonly errorCode: number;

  constructor(message: string, errorCode: number = errorCodes.protocolError) {
    super(message);
    this.name = "Http2Error";
    this.errorCode = errorCode;
  }
}

/** One frame. `bytes` and `payload` are views, valid as long as nobody writes into the chunk that they came in. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  /** 0 is the connection itself. */
  readonly streamId: number;
  /** The whole frame as it has to be sent on. */
  readonly bytes: Buffer;
  /** Without the nine bytes of the frame's header. */
  readonly payload: Buffer;
}

/** What stands before the payload of every frame (RFC 9113 section 4.1). */
export const frameHeaderBytes = 9;
const nothing = Buffer.alloc(0);

/** Cuts what comes out of a socket, in whatever pieces, into whole frames. */
export class FrameSplitter {
  #beginsWithPreface: boolean;
  /** Pieces of a frame that is not whole yet; joined once, when it is. */
  #pieces: Buffer[] = [];
  #pieceBytes = 0;
  /** Of the frame that the pieces belong to; unknown until its header is there. */
  #wantedBytes: number | undefined;
  #chunk: Buffer = nothing;

  /** @param beginsWithPreface - true for what a client sends. */
  constructor(beginsWithPreface: boolean) {
    this.#beginsWithPreface = beginsWithPreface;
  }

  /**
   * The frames that `chunk` completes, in order. A consumer that stops half way finds what it has not been given in {@link takeRest}.
   * @throws Http2Error where a client does not begin with the preface.
   */
  *split(chunk: Buffer): Generator<Frame, void, void> {
    this.#chunk = chunk;
    while (this.#chunk.length > 0) {
      const bytes = this.#takeWhole();
      if (bytes === undefined) return;
      if (this.#beginsWithPreface) {
        this.#beginsWithPreface = false;
        if (!bytes.equals(clientPreface)) {
          this.#pieces = [bytes];
          throw new Http2Error("the client does not begin with the HTTP/2 preface");
        }
        yield { type: frameTypes.preface, flags: 0, streamId: 0, bytes, payload: nothing };
      } else {
        yield {
          type: bytes.readUInt8(3),
          flags: bytes.readUInt8(4),
          streamId: bytes.readUInt32BE(5) & 0x7fffffff,
          bytes,
          payload: bytes.subarray(frameHeaderBytes),
        };
      }
    }
  }

  /** Everything that came in and has not been handed out as a frame; the splitter is empty afterwards. */
  takeRest(): Buffer {
    const rest = Buffer.concat([...this.#pieces, this.#chunk]);
    this.#pieces = [];
    this.#pieceBytes = 0;
    this.#wantedBytes = undefined;
    this.#chunk = nothing;
    return rest;
  }

  /** The next whole frame, or undefined after keeping what there is of it. */
  #takeWhole(): Buffer | undefined {
    this.#wantedBytes ??= this.#lengthOfNext();
    if (this.#wantedBytes === undefined) {
      // Less than a header: at most eight bytes, joined with what comes next.
      this.#pieces = [Buffer.concat([...this.#pieces, this.#chunk])];
      this.#pieceBytes += this.#chunk.length;
      this.#chunk = nothing;
      return undefined;
    }
    const missingBytes = this.#wantedBytes - this.#pieceBytes;
    if (this.#chunk.length < missingBytes) {
      this.#pieces.push(this.#chunk);
      this.#pieceBytes += this.#chunk.length;
      this.#chunk = nothing;
      return undefined;
    }
    const last = this.#chunk.subarray(0, missingBytes);
    const whole = this.#pieces.length === 0 ? last : Buffer.concat([...this.#pieces, last]);
    this.#chunk = this.#chunk.subarray(missingBytes);
    this.#pieces = [];
    this.#pieceBytes = 0;
    this.#wantedBytes = undefined;
    return whole;
  }

  #lengthOfNext(): number | undefined {
    if (this.#beginsWithPreface) return clientPreface.length;
    const [piece] = this.#pieces;
    const start = piece === undefined ? this.#chunk : Buffer.concat([piece, this.#chunk.subarray(0, frameHeaderBytes)]);
    return start.length < frameHeaderBytes ? undefined : frameHeaderBytes + start.readUIntBE(0, 3);
  }
}

/**
 * The payload of a DATA or HEADERS frame without padding and, for HEADERS, without the priority fields (RFC 9113 sections 6.1 and 6.2).
 * @throws Http2Error where the padding is longer than the frame.
 */
export function unpadded({ type, flags, payload }: Frame): Buffer {
  let from = 0;
  let to = payload.length;
  if ((flags & frameFlags.padded) !== 0) {
    from = 1;
    to -= payload[0] ?? 0;
  }
  if (type === frameTypes.headers && (flags & frameFlags.priority) !== 0) from += 5;
  if (from > to) throw new Http2Error("the padding of a frame is longer than the frame");
  return payload.subarray(from, to);
}

/** The value of one parameter of a SETTINGS frame, the last one where it stands there twice (RFC 9113 section 6.5). */
export function settingOf({ payload }: Frame, parameter: number): number | undefined {
  let value: number | undefined;
  for (let at = 0; at + 6 <= payload.length; at += 6) {
    if (payload.readUInt16BE(at) === parameter) value = payload.readUInt32BE(at + 2);
  }
  return value;
}

/** SETTINGS_HEADER_TABLE_SIZE (RFC 9113 section 6.5.2). */
export const headerTableSizeSetting = 0x1;

/** The other parameters of RFC 9113 section 6.5.2. */
export const settings = {
  enablePush: 0x2,
  maxConcurrentStreams: 0x3,
  initialWindowSize: 0x4,
  maxFrameSize: 0x5,
  maxHeaderListSize: 0x6,
} as const;

/** A SETTINGS frame with these parameters. */
export function settingsBytes(parameters: readonly (readonly [parameter: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(6 * parameters.length);
  for (const [at, [parameter, value]] of parameters.entries()) {
    payload.writeUInt16BE(parameter, 6 * at);
    payload.writeUInt32BE(value, 6 * at + 2);
  }
  return frameBytes(frameTypes.settings, 0, 0, payload);
}

/** A frame as it is sent. */
export function frameBytes(type: number, flags: number, streamId: number, payload: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(frameHeaderBytes + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes.writeUInt8(type, 3);
  bytes.writeUInt8(flags, 4);
  bytes.writeUInt32BE(streamId, 5);
  payload.copy(bytes, frameHeaderBytes);
  return bytes;
}

/** @param increment - bytes, at least 1. */
export function windowUpdateBytes(streamId: number, increment: number): Buffer {
  return frameBytes(frameTypes.windowUpdate, 0, streamId, uint32Bytes(increment));
}

/** What every peer takes in one frame (SETTINGS_MAX_FRAME_SIZE, RFC 9113 section 6.5.2). */
export const payloadBytesMax = 16_384;

/**
 * A HEADERS frame, and CONTINUATION frames for what does not go into it.
 * @param flags - END_STREAM or nothing.
 */
export function headersBytes(streamId: number, flags: number, block: Buffer): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at === 0 || at < block.length; at += payloadBytesMax) {
    const [type, own] = at === 0 ? [frameTypes.headers, flags] : [frameTypes.continuation, 0];
    const isLast = at + payloadBytesMax >= block.length;
    frames.push(frameBytes(type, isLast ? own | frameFlags.endHeaders : own, streamId, block.subarray(at, at + payloadBytesMax)));
  }
  return Buffer.concat(frames);
}

function uint32Bytes(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value, 0);
  return bytes;
}
