import type { Clock, Timer } from "../clock.ts";
import { messageOf, TargetError } from "../errors.ts";
import type { ApiAccess } from "../target/target.ts";
import { ApiAnswer } from "./api-answer.ts";
import { SecretsClient } from "./api-client.ts";
import { ApiConnection, type EncodedRequest, type ExchangeOwner } from "./api-connection.ts";
import { ApiRequestHeaders } from "./api-request-headers.ts";
import type { LoadRequest } from "./load-request.ts";
import { promiseSender } from "./promise-sender.ts";
import type { OnDone, Sender } from "./sender.ts";

export interface ApiLoadOptions {
  readonly api: ApiAccess;
  /** The most that is in flight. */
  readonly inFlightMax: number;
  /** A request fails when its answer is not complete after this long, in milliseconds. Default 70000: longer than kube-apiserver's own 60 s. */
  readonly timeoutMs?: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

/** A client that loads an API server. */
export interface ApiLoad extends AsyncDisposable {
  /** `h2`: one connection and little CPU; `http/1.1`: a connection for each request in flight, at several times the CPU. */
  readonly protocol: "h2" | "http/1.1";
  /** What sends these requests, each once. There may be one at a time: a new one needs the one before it to be done. */
  sender(requests: readonly LoadRequest[]): Sender;
}

/**
 * Connects to an API server for a load: by HTTP/2 if it speaks that, as every kube-apiserver does, and by HTTP/1.1 otherwise.
 * @throws TargetError `api-unreachable`, `api-untrusted`, `api-timeout`; the signal's reason
 */
export async function openApiLoad(options: ApiLoadOptions): Promise<ApiLoad> {
  try {
    return await ApiLoadClient.open(options);
  } catch (thrown) {
    if (!(thrown instanceof TargetError && thrown.code === "api-no-http2")) throw thrown;
  }
  const { api, inFlightMax, timeoutMs, signal } = options;
  const client = new SecretsClient({ api, connections: inFlightMax, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  await client.warmUp(signal);
  return {
    protocol: "http/1.1",
    sender: (requests) => promiseSender(requests.length, (index, giveUp) => client.request({ ...itemAt(requests, index), signal: giveUp })),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

const timeoutMsDefault = 70_000;
/** How often it is looked for requests that take too long. */
const tickMs = 1000;
/** A request that servers refuse to begin is not offered for ever. */
const attemptsMax = 8;

/**
 * The client for load: see {@link ApiConnection} for what makes it cheap. It opens as many connections as the server's limit of streams asks for, one
 * for all but the highest loads, and opens new ones in the place of those that end, as when an API server is restarted.
 *
 * A request whose connection ends before its answer is complete has failed, whatever the server made of it. One is sent again only if the server certainly did nothing for it: it
 * had not left this process, or the server said so (GOAWAY, REFUSED_STREAM). While the server cannot be reached requests fail at once, with what is in the way.
 */
export class ApiLoadClient implements ApiLoad, ExchangeOwner {
  readonly protocol = "h2";
  readonly #options: ApiLoadOptions;
  readonly #ticksMax: number;
  /** Those that take requests, and those that only finish what they have. */
  readonly #taking: ApiConnection[] = [];
  readonly #all = new Set<ApiConnection>();
  #wanted = 1;
  #opening = 0;
  /** Requests that wait for a connection, oldest first. */
  #waiting: number[] = [];
  #sender: ApiSender | undefined;
  #timer: Timer;
  readonly #closing = new AbortController();

  private constructor(options: ApiLoadOptions) {
    this.#options = options;
    this.#ticksMax = Math.ceil((options.timeoutMs ?? timeoutMsDefault) / tickMs);
    this.#timer = options.clock.startTimer(tickMs, this.#tick);
  }

  /** As {@link openApiLoad}, but `api-no-http2` where the server speaks HTTP/1.1 alone. */
  static async open(options: ApiLoadOptions): Promise<ApiLoadClient> {
    await using failing = new AsyncDisposableStack();
    const client = failing.use(new ApiLoadClient(options));
    const first = await client.#connect(options.signal);
    client.#wanted = Math.ceil(options.inFlightMax / Math.max(1, first.streamsMax));
    while (client.#taking.length < client.#wanted) await client.#connect(options.signal);
    failing.move();
    return client;
  }

  sender(requests: readonly LoadRequest[]): Sender {
    if (this.#sender?.isBusy === true) throw new TypeError("A load is still running through this client.");
    this.#sender = new ApiSender(requests, this.#options.api, this);
    return this.#sender;
  }

  /** Takes a request of the sender that there is. */
  begin(index: number): void {
    if (this.#waiting.length === 0 && this.#sendNow(index)) return;
    this.#waiting.push(index);
    this.#reconnect();
  }

  flush(): void {
    for (const connection of this.#taking) connection.flush();
  }

  /** Gives up all that is in flight or waits; their indexes. */
  cancel(): number[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return [...[...this.#all].flatMap((connection) => connection.cancel()), ...waiting];
  }

  onAnswer(index: number, status: number, body: Uint8Array): void {
    this.#sender?.answered(index, status, body);
  }

  onLost(index: number, reason: string): void {
    this.#sender?.failed(index, reason);
  }

  onUnsent(index: number, reason: string): void {
    if (this.#closing.signal.aborted || this.#sender?.mayTryAgain(index) !== true) this.#sender?.failed(index, reason);
    else this.begin(index);
  }

  onRoom(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const [at, index] of waiting.entries()) {
      if (this.#sendNow(index)) continue;
      this.#waiting = waiting.slice(at);
      break;
    }
    this.flush();
  }

  onRetired(connection: ApiConnection): void {
    const at = this.#taking.indexOf(connection);
    if (at >= 0) this.#taking.splice(at, 1);
    if (this.#waiting.length > 0) this.#reconnect();
  }

  /** Closes every connection; what is in flight fails. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new Error("The client was closed."));
    this.#timer[Symbol.dispose]();
    await Promise.all([...this.#all].map((connection) => connection.close()));
  }

  #sendNow(index: number): boolean {
    const connection = this.#taking.find(({ hasRoom }) => hasRoom);
    const request = this.#sender?.requestAt(index);
    if (connection === undefined || request === undefined) return false;
    connection.send(index, request);
    return true;
  }

  async #connect(signal: AbortSignal | undefined): Promise<ApiConnection> {
    const { api, clock } = this.#options;
    const connection = await ApiConnection.open({ api, owner: this, clock, signal });
    this.#all.add(connection);
    void connection.closed.then(() => this.#all.delete(connection));
    if (connection.hasRoom) this.#taking.push(connection);
    return connection;
  }

  /** Opens a connection if one is missing; if none comes of it, those that wait for one have failed. */
  #reconnect(): void {
    if (this.#taking.length + this.#opening >= this.#wanted) return;
    this.#opening++;
    const onOpen = () => {
      this.#opening--;
      this.onRoom();
    };
    const onFault = (thrown: unknown) => {
      this.#opening--;
      if (this.#taking.length > 0) return;
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const index of waiting) this.#sender?.failed(index, messageOf(thrown));
    };
    void this.#connect(this.#closing.signal).then(onOpen, onFault);
  }

  readonly #tick = (): void => {
    for (const connection of this.#all) connection.tick(this.#ticksMax, "The API server did not answer in time.");
    this.#timer = this.#options.clock.startTimer(tickMs, this.#tick);
  };
}

class ApiSender implements Sender {
  readonly count: number;
  onDone: OnDone = () => {};
  readonly #client: ApiLoadClient;
  readonly #requests: readonly LoadRequest[];
  readonly #encoded: readonly EncodedRequest[];
  readonly #attempts: Uint8Array;
  #inFlight = 0;

  constructor(requests: readonly LoadRequest[], api: ApiAccess, client: ApiLoadClient) {
    this.count = requests.length;
    this.#client = client;
    this.#requests = requests;
    const headers = new ApiRequestHeaders(api);
    this.#encoded = requests.map((request) => encode(request, headers));
    this.#attempts = new Uint8Array(requests.length);
  }

  get isBusy(): boolean {
    return this.#inFlight > 0;
  }

  send(index: number): void {
    this.#inFlight++;
    this.#client.begin(index);
  }

  flush(): void {
    this.#client.flush();
  }

  abort(reason: string): void {
    const indexes = this.#client.cancel();
    queueMicrotask(() => {
      for (const index of indexes) this.failed(index, reason);
    });
  }

  requestAt(index: number): EncodedRequest {
    return itemAt(this.#encoded, index);
  }

  mayTryAgain(index: number): boolean {
    const attempts = (this.#attempts[index] ?? 0) + 1;
    this.#attempts[index] = attempts;
    return attempts < attemptsMax;
  }

  answered(index: number, status: number, body: Uint8Array): void {
    this.#inFlight--;
    if (status >= 200 && status <= 299) this.onDone(index, status, undefined);
    else this.onDone(index, status, new ApiAnswer(status, body, itemAt(this.#requests, index)).failure);
  }

  failed(index: number, reason: string): void {
    this.#inFlight--;
    this.onDone(index, 0, reason);
  }
}

function encode({ method, path, contentType, body }: LoadRequest, headers: ApiRequestHeaders): EncodedRequest {
  const bodyBytes = body?.byteLength ?? 0;
  return {
    headers: headers.frameOf({ method, path, contentType, bodyBytes }),
    body: body === undefined || bodyBytes === 0 ? undefined : Buffer.from(body.buffer, body.byteOffset, bodyBytes),
  };
}

function itemAt<Item>(items: readonly Item[], index: number): Item {
  const item = items[index];
  if (item === undefined) throw new RangeError(`There is no request ${index} among ${items.length}.`);
  return item;
}
