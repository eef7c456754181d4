import type { Socket } from "node:net";
import type { Clock } from "../clock.ts";
import type { FaultPlan } from "./fault.ts";
import {
  type Frame,
  FrameSplitter,
  frameFlags,
  frameHeaderBytes,
  frameTypes,
  Http2Error,
  headersBytes,
  headerTableSizeSetting,
  settingOf,
  unpadded,
  windowUpdateBytes,
} from "./http2/frames.ts";
import { answerBytes, grpcCodeOfReset, grpcCodeOfTrailers, lengthPrefixed, trailersOnly } from "./http2/grpc.ts";
import { encodeLiterals, type Header, HpackDecoder } from "./http2/hpack.ts";
import { Outbox } from "./http2/outbox.ts";
import { kmsV2Service } from "./messages.ts";
import type { TapBook } from "./tap-book.ts";
import { TapCall, tappedMethodOf } from "./tap-call.ts";

/** A gRPC status that the tap itself gives to calls that have none. */
const canceled = 1;
const unavailable = 14;

/** What a header block may have in one piece or in several; gRPC servers allow 8 to 16 KiB of headers. */
const headerBlockBytesMax = 64 * 1024;
/** What latency faults hold back; beyond it the client has to wait. */
const heldBytesMax = 16 * 1024 * 1024;

/** What a connection shares with the tap's others. */
export interface TapShared {
  readonly clock: Clock;
  readonly book: TapBook;
  /** When the tap started, on the clock's monotonic scale. */
  readonly startedMs: number;
  /** What to do to calls that begin now. */
  faults: FaultPlan;
}

/** A header block: its frames are sent on together when it has ended, so that nothing else can come between them. */
interface HeaderBlock {
  /** The HEADERS frame. */
  readonly first: Frame;
  readonly frames: Buffer[];
  readonly fragments: Buffer[];
  bytes: number;
}

interface Headers {
  readonly block: HeaderBlock;
  readonly list: readonly Header[];
  /** The changes of the table's size with which the block begins, as they stand there. */
  readonly resizes: Buffer;
}

/** One direction of the connection. */
interface Direction {
  readonly splitter: FrameSplitter;
  readonly hpack: HpackDecoder;
  readonly to: Outbox;
  block: HeaderBlock | undefined;
}

/**
 * Stands between one client and one connection to the plugin. Frames pass as they are, in both directions and in order. Only of a call
 * that a fault is for the DATA frames are held back, or the whole request is swallowed. Because each header block depends on those before
 * it, those after a swallowed one are written anew, with the same headers but independent of each other.
 */
export class TapConnection {
  #client: Socket;
  #plugin: Socket;
  #shared: TapShared;
  #calls = new Map<number, TapCall>();
  #requests: Direction;
  #responses: Direction;
  /** Frames of the tap's own that wait for the plugin's first one, because a server has to begin with SETTINGS (RFC 9113 section 3.4). */
  #early: Buffer[] | undefined = [];
  #heldBytes = 0;
  /** A request was swallowed, so that the plugin could not decode the client's own header blocks any more. */
  #writesHeadersAnew = false;
  /** Changes of the table's size in swallowed blocks, which the plugin may be waiting for (RFC 7541 section 4.2). */
  #owedResizes: Buffer[] = [];
  /** Streams above it do not exist for the plugin. */
  #lastPassedStreamId = 0;
  /** Bytes pass unseen: the tap could not follow this connection any more. */
  #isBlind = false;
  /** What calls get that are open when the connection ends. */
  #endCode: number | undefined;

  /** @param client, plugin - connected and with no listener for data yet. */
  constructor(client: Socket, plugin: Socket, shared: TapShared) {
    this.#client = client;
    this.#plugin = plugin;
    this.#shared = shared;
    const toClient = new Outbox(client, [plugin]);
    const toPlugin = new Outbox(plugin, [client]);
    this.#requests = { splitter: new FrameSplitter(true), hpack: new HpackDecoder(), to: toPlugin, block: undefined };
    this.#responses = { splitter: new FrameSplitter(false), hpack: new HpackDecoder(), to: toClient, block: undefined };
    this.#pipe(client, plugin, this.#requests, (frame) => this.#onRequestFrame(frame), canceled);
    this.#pipe(plugin, client, this.#responses, (frame) => this.#onResponseFrame(frame), unavailable);
  }

  /** Ends the connection for both sides; open calls fail as Unavailable, which is what the client sees. */
  destroy(): void {
    this.#endCode ??= unavailable;
    this.#endAll(this.#endCode);
    this.#client.destroy();
    this.#plugin.destroy();
  }

  #pipe(from: Socket, to: Socket, direction: Direction, onFrame: (frame: Frame) => void, endCode: number): void {
    from.allowHalfOpen = true;
    from.on("data", (chunk: Buffer) => {
      if (this.#isBlind) direction.to.add(chunk);
      else this.#follow(direction, chunk, onFrame);
      this.#requests.to.flush();
      this.#responses.to.flush();
    });
    from.on("end", () => {
      this.#endCode ??= endCode;
      // A plugin that sends no more answers no more; a client might still read.
      if (from === this.#plugin) this.#endAll(this.#endCode);
      to.end();
    });
    // What went wrong shows as the end of the connection; "close" always follows.
    from.on("error", () => {});
    from.on("close", () => {
      this.#endCode ??= endCode;
      this.#endAll(this.#endCode);
      to.destroySoon();
    });
  }

  #follow(direction: Direction, chunk: Buffer, onFrame: (frame: Frame) => void): void {
    try {
      for (const frame of direction.splitter.split(chunk)) onFrame(frame);
    } catch (thrown) {
      if (!(thrown instanceof Http2Error)) throw thrown;
      this.#goBlind(thrown.message);
    }
  }

  /** Says that it has stopped recording, and goes on relaying where the plugin can still make sense of the client's bytes. */
  #goBlind(why: string): void {
    this.#isBlind = true;
    this.#shared.book.addProblem(`A connection could not be followed to its end (${why}); the calls on it from then on have no record.`);
    if (this.#writesHeadersAnew) {
      this.destroy();
      return;
    }
    for (const call of this.#calls.values()) {
      this.#release(call);
      call.abandon();
    }
    this.#calls.clear();
    for (const { block, splitter, to } of [this.#requests, this.#responses]) {
      for (const bytes of block?.frames ?? []) to.add(bytes);
      to.add(splitter.takeRest());
    }
  }

  // ── from the client to the plugin ──

  #onRequestFrame(frame: Frame): void {
    const headers = this.#takeHeaders(this.#requests, frame);
    if (headers !== undefined) {
      this.#onRequestHeaders(headers);
      return;
    }
    const call = this.#calls.get(frame.streamId);
    switch (frame.type) {
      case frameTypes.headers:
      case frameTypes.continuation:
        return;
      case frameTypes.data:
        if (call === undefined) this.#pass(frame);
        else this.#onRequestData(frame, call);
        return;
      case frameTypes.rstStream:
        if (call === undefined) this.#pass(frame);
        else this.#onClientReset(frame, call);
        return;
      case frameTypes.settings:
        this.#pass(frame);
        this.#allowTable(this.#responses, frame);
        return;
      default:
        this.#pass(frame);
    }
  }

  /** Sends a frame on, unless it is about a stream that the plugin knows nothing of, which must not have frames. */
  #pass({ streamId, bytes }: Frame): void {
    const isUnknown = streamId > this.#lastPassedStreamId || this.#calls.get(streamId)?.isSwallowed === true;
    if (!this.#writesHeadersAnew || !isUnknown) this.#requests.to.add(bytes);
  }

  #onRequestHeaders(headers: Headers): void {
    const { book, faults } = this.#shared;
    const { streamId, flags } = headers.block.first;
    const isLast = (flags & frameFlags.endStream) !== 0;
    const open = this.#calls.get(streamId);
    if (open !== undefined) {
      // Trailers, which no gRPC client sends: what is held has to pass, or it would come behind the end of its stream.
      this.#release(open);
      if (!open.isSwallowed) this.#passHeaders(headers);
      if (isLast) this.#onRequestEnd(streamId, open);
      return;
    }
    const path = headers.list.find(([name]) => name === ":path")?.[1] ?? "";
    const method = tappedMethodOf(path);
    if (method === undefined) {
      book.addProblem(`A call to ${JSON.stringify(path.slice(0, 100))} passed without a record; it is no method of a KMS plugin.`);
      this.#passHeaders(headers);
      return;
    }
    const nowMs = this.#nowMs();
    const call = new TapCall(method, faults.decide(method.kms, method.method, nowMs), nowMs, book);
    this.#calls.set(streamId, call);
    if (call.isSwallowed) {
      this.#writesHeadersAnew = true;
      this.#owedResizes.push(headers.resizes);
    } else {
      this.#passHeaders(headers);
      if (call.verdict !== undefined && call.verdict.delayMs > 0 && !isLast) this.#delay(call, call.verdict.delayMs);
    }
    if (isLast) this.#onRequestEnd(streamId, call);
  }

  #passHeaders({ block, list, resizes }: Headers): void {
    const { streamId, flags } = block.first;
    this.#lastPassedStreamId = Math.max(this.#lastPassedStreamId, streamId);
    if (this.#writesHeadersAnew) {
      const anew = Buffer.concat([...this.#owedResizes.splice(0), resizes, encodeLiterals(list)]);
      this.#requests.to.add(headersBytes(streamId, flags & frameFlags.endStream, anew));
    } else {
      for (const bytes of block.frames) this.#requests.to.add(bytes);
    }
  }

  #delay(call: TapCall, delayMs: number): void {
    call.held = [];
    call.timer = this.#shared.clock.startTimer(delayMs, () => {
      this.#release(call);
      this.#requests.to.flush();
    });
  }

  #onRequestData(frame: Frame, call: TapCall): void {
    const isLast = (frame.flags & frameFlags.endStream) !== 0;
    // In front of anything else: a frame that cannot be read has to be passed on as well.
    if (call.isSwallowed) this.#returnWindow(isLast ? 0 : frame.streamId, frame.payload.length);
    else if (call.held === undefined) this.#pass(frame);
    else this.#hold(frame.bytes, call.held);
    call.request.push(unpadded(frame));
    if (isLast) this.#onRequestEnd(frame.streamId, call);
  }

  #onRequestEnd(streamId: number, call: TapCall): void {
    call.endRequest(this.#nowMs());
    if (!call.isSwallowed || call.verdict === undefined) return;
    const { delayMs, ending } = call.verdict;
    if (ending === undefined || ending.kind === "hang") return;
    const play = () => {
      if (ending.kind === "cut") {
        this.destroy();
        return;
      }
      this.#calls.delete(streamId);
      if (ending.kind === "healthz") {
        this.#answerStatus(streamId, call, ending.words);
        return;
      }
      call.end(ending.grpcCode, this.#nowMs());
      this.#sendToClient(headersBytes(streamId, frameFlags.endStream, trailersOnly(ending.grpcCode, ending.message)));
    };
    if (delayMs > 0) call.timer = this.#shared.clock.startTimer(delayMs, play);
    else play();
  }

  /**
   * Answers a Status as a plugin does whose KMS is gone, and which goes on naming the key_id that it knows. What the message takes of the
   * connection's window the plugin does not know of: a hundred bytes beside the 64 KiB that a window has at least.
   */
  #answerStatus(streamId: number, call: TapCall, words: string): void {
    const keyId = this.#shared.book.lastKeyId;
    if (keyId === undefined) {
      const message = "the plugin has named no key_id yet";
      call.end(unavailable, this.#nowMs());
      this.#sendToClient(headersBytes(streamId, frameFlags.endStream, trailersOnly(unavailable, message)));
      return;
    }
    const message = lengthPrefixed(kmsV2Service.Status.responseSerialize({ version: "v2", healthz: words, keyId }));
    call.response.push(message);
    call.end(0, this.#nowMs());
    this.#sendToClient(answerBytes(streamId, message));
  }

  #onClientReset(frame: Frame, call: TapCall): void {
    this.#pass(frame);
    this.#calls.delete(frame.streamId);
    call.end(canceled, this.#nowMs());
    const held = call.held ?? [];
    call.held = undefined;
    for (const bytes of held) this.#returnWindow(0, this.#unhold(bytes));
  }

  #hold(bytes: Buffer, held: Buffer[]): void {
    held.push(bytes);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > heldBytesMax) this.#requests.to.block();
  }

  /** Lets the DATA frames of a call pass, those held and those to come. */
  #release(call: TapCall): void {
    const held = call.held ?? [];
    call.held = undefined;
    for (const bytes of held) {
      this.#unhold(bytes);
      this.#requests.to.add(bytes);
    }
  }

  /** Forgets a held frame and returns how much of the flow-control window it took. */
  #unhold(bytes: Buffer): number {
    this.#heldBytes -= bytes.length;
    if (this.#heldBytes <= heldBytesMax) this.#requests.to.unblock();
    return bytes.length - frameHeaderBytes;
  }

  /**
   * Gives the client back what a frame that never reaches the plugin took of the windows (RFC 9113 section 6.9).
   * @param streamId - 0 where the stream needs no more window.
   */
  #returnWindow(streamId: number, bytes: number): void {
    if (bytes === 0) return;
    this.#sendToClient(windowUpdateBytes(0, bytes));
    if (streamId !== 0) this.#sendToClient(windowUpdateBytes(streamId, bytes));
  }

  /** A frame of the tap's own. */
  #sendToClient(bytes: Buffer): void {
    if (this.#early !== undefined) {
      this.#early.push(bytes);
      return;
    }
    this.#responses.to.add(bytes);
    this.#responses.to.flush();
  }

  // ── from the plugin to the client ──

  #onResponseFrame(frame: Frame): void {
    const headers = this.#takeHeaders(this.#responses, frame);
    if (headers !== undefined) {
      for (const bytes of headers.block.frames) this.#responses.to.add(bytes);
      this.#onResponseEnd(headers.block.first, headers.list);
      return;
    }
    if (frame.type === frameTypes.headers || frame.type === frameTypes.continuation) return;
    this.#responses.to.add(frame.bytes);
    switch (frame.type) {
      case frameTypes.data:
        this.#calls.get(frame.streamId)?.response.push(unpadded(frame));
        // A gRPC server ends with trailers; one that does not has given no status.
        this.#onResponseEnd(frame, []);
        return;
      case frameTypes.rstStream:
        this.#end(frame.streamId, grpcCodeOfReset(frame.payload));
        return;
      case frameTypes.goAway:
        this.#onGoAway(frame);
        return;
      case frameTypes.settings:
        this.#allowTable(this.#requests, frame);
        this.#sendEarly();
        return;
      case frameTypes.pushPromise:
        // It holds a header block as well; clients of gRPC forbid it.
        throw new Http2Error("the plugin pushes");
    }
  }

  #onResponseEnd({ streamId, flags }: Frame, trailers: readonly Header[]): void {
    if ((flags & frameFlags.endStream) !== 0) this.#end(streamId, grpcCodeOfTrailers(trailers));
  }

  /** The client takes the calls that the plugin has not begun for failed (RFC 9113 section 6.8). */
  #onGoAway({ payload }: Frame): void {
    if (payload.length < 8) throw new Http2Error("a GOAWAY frame is too short");
    const lastStreamId = payload.readUInt32BE(0) & 0x7fffffff;
    for (const streamId of this.#calls.keys()) if (streamId > lastStreamId) this.#end(streamId, unavailable);
  }

  #sendEarly(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const bytes of early) this.#sendToClient(bytes);
  }

  /** A call has been answered, if it is one that is recorded. */
  #end(streamId: number, grpcCode: number): void {
    const call = this.#calls.get(streamId);
    if (call === undefined) return;
    this.#calls.delete(streamId);
    call.end(grpcCode, this.#nowMs());
    // The answer came before the request was through: what is held of it may go.
    this.#release(call);
  }

  #endAll(grpcCode: number): void {
    const nowMs = this.#nowMs();
    for (const call of this.#calls.values()) call.end(grpcCode, nowMs);
    this.#calls.clear();
  }

  // ── both ──

  /** Collects header frames; returns the headers when their block has ended. They have not been sent on then. */
  #takeHeaders(direction: Direction, frame: Frame): Headers | undefined {
    const { hpack, to } = direction;
    if (direction.block === undefined && frame.type !== frameTypes.headers) {
      if (frame.type !== frameTypes.continuation) return undefined;
      to.add(frame.bytes);
      throw new Http2Error("a CONTINUATION frame continues nothing");
    }
    const isFirst = direction.block === undefined;
    const block = direction.block ?? { first: frame, frames: [], fragments: [], bytes: 0 };
    direction.block = block;
    block.frames.push(frame.bytes);
    if (!isFirst && (frame.type !== frameTypes.continuation || frame.streamId !== block.first.streamId)) {
      throw new Http2Error("a header block is interrupted");
    }
    block.fragments.push(isFirst ? unpadded(frame) : frame.payload);
    block.bytes += frame.bytes.length;
    if (block.bytes > headerBlockBytesMax) throw new Http2Error(`a header block has more than ${headerBlockBytesMax} bytes`);
    if ((frame.flags & frameFlags.endHeaders) === 0) return undefined;
    const [only, ...others] = block.fragments;
    const whole = only !== undefined && others.length === 0 ? only : Buffer.concat(block.fragments);
    const list = hpack.decode(whole);
    direction.block = undefined;
    return { block, list, resizes: whole.subarray(0, hpack.resizeBytes) };
  }

  #allowTable({ hpack }: Direction, frame: Frame): void {
    const bytes = settingOf(frame, headerTableSizeSetting);
    if (bytes !== undefined) hpack.allowTable(bytes);
  }

  #nowMs(): number {
    return this.#shared.clock.monotonicMs() - this.#shared.startedMs;
  }
}
