import type { Socket } from "node:net";
import type { Clock } from "../clock.ts";
import type { FaultPlan } from "./fault.ts";
import {
  errorCodes,
  type Frame,
  FrameSplitter,
  frameBytes,
  frameFlags,
  frameHeaderBytes,
  frameTypes,
  Http2Error,
  headerTableSizeSetting,
  rstStreamBytes,
  settingOf,
  unpadded,
  windowUpdateBytes,
} from "./http2/frames.ts";
import { grpcCodeOfReset, grpcCodeOfTrailers, trailersOnly } from "./http2/grpc.ts";
import { type Header, HpackDecoder } from "./http2/hpack.ts";
import { Outbox } from "./http2/outbox.ts";
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

/** A header block that has not ended yet: its frames are sent on together, so that nothing else can come between them. */
interface OpenBlock {
  readonly first: Frame;
  readonly frames: Buffer[];
  readonly fragments: Buffer[];
  bytes: number;
}

/** One direction of the connection. */
interface Direction {
  readonly splitter: FrameSplitter;
  readonly hpack: HpackDecoder;
  readonly to: Outbox;
  block: OpenBlock | undefined;
}

/**
 * Stands between one client and one connection to the plugin. Frames pass as they are, in both directions and in order; only the DATA
 * frames of a call that a fault is for are held back or swallowed. HEADERS always pass, because each depends on those before it.
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

  /** Goes on relaying and says that it has stopped recording. */
  #goBlind(why: string): void {
    this.#isBlind = true;
    this.#shared.book.addProblem(`A connection could not be followed to its end (${why}); the calls on it from then on have no record.`);
    for (const [streamId, call] of this.#calls) {
      this.#release(streamId, call);
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
    const headers = this.#passHeaders(this.#requests, frame);
    if (headers !== undefined) {
      this.#onRequestHeaders(headers.frame, headers.list);
      return;
    }
    const call = this.#calls.get(frame.streamId);
    switch (frame.type) {
      case frameTypes.data:
        if (call === undefined) this.#requests.to.add(frame.bytes);
        else this.#onRequestData(frame, call);
        return;
      case frameTypes.rstStream:
        if (call !== undefined) this.#onClientReset(frame, call);
        else this.#requests.to.add(frame.bytes);
        return;
      case frameTypes.settings:
        this.#requests.to.add(frame.bytes);
        this.#allowTable(this.#responses, frame);
        return;
      case frameTypes.headers:
      case frameTypes.continuation:
        return;
      default:
        this.#requests.to.add(frame.bytes);
    }
  }

  #onRequestHeaders(frame: Frame, headers: readonly Header[]): void {
    const { book, faults } = this.#shared;
    const isLast = (frame.flags & frameFlags.endStream) !== 0;
    const open = this.#calls.get(frame.streamId);
    if (open !== undefined) {
      // Trailers, which no gRPC client sends: what is held has to pass, or it would come behind the end of its stream.
      this.#release(frame.streamId, open);
      if (isLast) open.endRequest(this.#nowMs());
      return;
    }
    const path = headers.find(([name]) => name === ":path")?.[1] ?? "";
    const method = tappedMethodOf(path);
    if (method === undefined) {
      book.addProblem(`A call to ${JSON.stringify(path.slice(0, 100))} passed without a record; it is no method of a KMS plugin.`);
      return;
    }
    const nowMs = this.#nowMs();
    const call = new TapCall(method, faults.decide(method.kms, method.method, nowMs), nowMs, book);
    this.#calls.set(frame.streamId, call);
    if (call.isSwallowed) {
      // The plugin has seen the headers already; it must not wait for the message.
      this.#requests.to.add(rstStreamBytes(frame.streamId, errorCodes.cancel));
    } else if (call.verdict !== undefined && call.verdict.delayMs > 0 && !isLast) {
      call.held = [];
      call.timer = this.#shared.clock.startTimer(call.verdict.delayMs, () => {
        this.#release(frame.streamId, call);
        this.#requests.to.flush();
      });
    }
    if (isLast) this.#onRequestEnd(frame.streamId, call);
  }

  #onRequestData(frame: Frame, call: TapCall): void {
    const isLast = (frame.flags & frameFlags.endStream) !== 0;
    // In front of anything else: a frame that cannot be read has to be passed on as well.
    if (call.isSwallowed) this.#returnWindow(isLast ? 0 : frame.streamId, frame.payload.length);
    else if (call.held === undefined) this.#requests.to.add(frame.bytes);
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
      call.end(ending.grpcCode, this.#nowMs());
      this.#sendToClient(
        frameBytes(
          frameTypes.headers,
          frameFlags.endStream | frameFlags.endHeaders,
          streamId,
          trailersOnly(ending.grpcCode, ending.message),
        ),
      );
    };
    if (delayMs > 0) call.timer = this.#shared.clock.startTimer(delayMs, play);
    else play();
  }

  #onClientReset(frame: Frame, call: TapCall): void {
    this.#calls.delete(frame.streamId);
    call.end(canceled, this.#nowMs());
    if (call.isSwallowed) return;
    this.#requests.to.add(frame.bytes);
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
  #release(streamId: number, call: TapCall): void {
    const held = call.held ?? [];
    call.held = undefined;
    for (const bytes of held) {
      this.#unhold(bytes);
      this.#requests.to.add(bytes);
    }
    // A swallowed call's stream is closed at the plugin already.
    if (this.#isBlind && call.isSwallowed) this.#sendToClient(rstStreamBytes(streamId, errorCodes.cancel));
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
    const headers = this.#passHeaders(this.#responses, frame);
    if (headers !== undefined) {
      this.#onResponseHeaders(headers.frame, headers.list);
      return;
    }
    const call = this.#calls.get(frame.streamId);
    switch (frame.type) {
      case frameTypes.headers:
      case frameTypes.continuation:
        return;
      case frameTypes.pushPromise:
        this.#responses.to.add(frame.bytes);
        // It holds a header block as well; clients of gRPC forbid it.
        throw new Http2Error("the plugin pushes");
      case frameTypes.rstStream:
        // The client may still wait for what the tap answers.
        if (call?.isSwallowed !== true) this.#responses.to.add(frame.bytes);
        if (call !== undefined && !call.isSwallowed) this.#end(frame.streamId, call, grpcCodeOfReset(frame.payload));
        return;
      case frameTypes.data:
        this.#responses.to.add(frame.bytes);
        call?.response.push(unpadded(frame));
        // A gRPC server ends with trailers; one that does not has given no status.
        if (call !== undefined && (frame.flags & frameFlags.endStream) !== 0) this.#end(frame.streamId, call, grpcCodeOfTrailers([]));
        return;
      case frameTypes.goAway:
        this.#responses.to.add(frame.bytes);
        this.#onGoAway(frame);
        return;
      case frameTypes.settings:
        this.#responses.to.add(frame.bytes);
        this.#allowTable(this.#requests, frame);
        this.#sendEarly();
        return;
      default:
        this.#responses.to.add(frame.bytes);
    }
  }

  #onResponseHeaders(frame: Frame, headers: readonly Header[]): void {
    const call = this.#calls.get(frame.streamId);
    if (call !== undefined && (frame.flags & frameFlags.endStream) !== 0) this.#end(frame.streamId, call, grpcCodeOfTrailers(headers));
  }

  /** The client takes the calls that the plugin has not begun for failed (RFC 9113 section 6.8). */
  #onGoAway({ payload }: Frame): void {
    if (payload.length < 8) throw new Http2Error("a GOAWAY frame is too short");
    const lastStreamId = payload.readUInt32BE(0) & 0x7fffffff;
    for (const [streamId, call] of this.#calls) {
      if (streamId > lastStreamId) this.#end(streamId, call, unavailable);
    }
  }

  #sendEarly(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const bytes of early) this.#sendToClient(bytes);
  }

  #end(streamId: number, call: TapCall, grpcCode: number): void {
    this.#calls.delete(streamId);
    call.end(grpcCode, this.#nowMs());
    // The answer came before the request was through: what is held of it may go.
    this.#release(streamId, call);
  }

  #endAll(grpcCode: number): void {
    const nowMs = this.#nowMs();
    for (const call of this.#calls.values()) call.end(grpcCode, nowMs);
    this.#calls.clear();
  }

  // ── both ──

  /** Sends header frames on, whole blocks at a time; returns a block's headers with its HEADERS frame when it has ended. */
  #passHeaders(direction: Direction, frame: Frame): { frame: Frame; list: Header[] } | undefined {
    const { block, to } = direction;
    if (block === undefined && frame.type !== frameTypes.headers) {
      if (frame.type === frameTypes.continuation) {
        to.add(frame.bytes);
        throw new Http2Error("a CONTINUATION frame continues nothing");
      }
      return undefined;
    }
    const isNext = block === undefined || (frame.type === frameTypes.continuation && frame.streamId === block.first.streamId);
    const open = block ?? { first: frame, frames: [], fragments: [], bytes: 0 };
    direction.block = open;
    open.frames.push(frame.bytes);
    if (!isNext) throw new Http2Error("a header block is interrupted");
    open.fragments.push(frame.type === frameTypes.headers ? unpadded(frame) : frame.payload);
    open.bytes += frame.bytes.length;
    if (open.bytes > headerBlockBytesMax) throw new Http2Error(`a header block has more than ${headerBlockBytesMax} bytes`);
    if ((frame.flags & frameFlags.endHeaders) === 0) return undefined;
    const [only, ...others] = open.fragments;
    const list = direction.hpack.decode(only !== undefined && others.length === 0 ? only : Buffer.concat(open.fragments));
    direction.block = undefined;
    for (const bytes of open.frames) to.add(bytes);
    return { frame: open.first, list };
  }

  #allowTable({ hpack }: Direction, frame: Frame): void {
    const bytes = settingOf(frame, headerTableSizeSetting);
    if (bytes !== undefined) hpack.allowTable(bytes);
  }

  #nowMs(): number {
    return this.#shared.clock.monotonicMs() - this.#shared.startedMs;
  }
}
