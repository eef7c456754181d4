import { once } from "node:events";
import type { ClientRequest, IncomingMessage } from "node:http";
import { request } from "node:https";
import type { Clock } from "../../harness/clock.ts";
import { messageOf, TargetError } from "../../harness/errors.ts";
import type { ApiAccess } from "../../harness/target/target.ts";

/** What a watcher saw: a Secret was added, modified or deleted. */
export interface SeenEvent {
  readonly type: string;
  /** `namespace/name`. */
  readonly secret: string;
}

export interface WatchersOptions {
  readonly apis: readonly ApiAccess[];
  /** How many; they take turns among the API servers. */
  readonly count: number;
  /** How many Secrets there are: each watcher is told of them first. */
  readonly existing: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** What is read of an event: enough for the object's name, whatever its size. */
const headBytes = 2048;
const waitStepMs = 10;
/** A watcher that was not told of everything after so long will not be. */
const giveUpMs = 20_000;

/** Watches of all Secrets, as controllers and kubelets hold them. Disposing of it ends them. */
export class Watchers implements AsyncDisposable {
  /** Called with each event of each watcher from {@link open} on. */
  onEvent: (event: SeenEvent) => void = () => {};
  #options: WatchersOptions;
  #requests: ClientRequest[] = [];
  #seen = 0;
  #broken: string | undefined;
  #isClosing = false;

  private constructor(options: WatchersOptions) {
    this.#options = options;
  }

  /** Resolves when every watcher was told of what exists. @throws TargetError `watch-failed` */
  static async open(options: WatchersOptions): Promise<Watchers> {
    const watchers = new Watchers(options);
    try {
      for (let index = 0; index < options.count; index++) {
        const api = options.apis[index % options.apis.length];
        if (api !== undefined) await watchers.#open(api);
      }
      const told = await watchers.seen(options.count * options.existing);
      if (!told) throw new TargetError("watch-failed", "A watch of all Secrets did not tell of those that exist.");
    } catch (thrown) {
      await watchers[Symbol.asyncDispose]();
      throw thrown;
    }
    return watchers;
  }

  /** Events of all watchers together since the start. */
  get count(): number {
    return this.#seen;
  }

  /** Waits until so many events came; false where they do not come. @throws TargetError `watch-failed` where a watch ended */
  async seen(events: number): Promise<boolean> {
    const { clock, signal } = this.#options;
    const untilMs = clock.monotonicMs() + giveUpMs;
    while (this.#seen < events && clock.monotonicMs() < untilMs) {
      if (this.#broken !== undefined) throw new TargetError("watch-failed", `A watch of all Secrets ended: ${this.#broken}.`);
      await clock.sleep(waitStepMs, signal);
    }
    return this.#seen >= events;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    const open = this.#requests.splice(0).filter(({ closed }) => !closed);
    const closed = open.map((watch) => once(watch, "close"));
    for (const watch of open) watch.destroy();
    await Promise.all(closed);
  }

  async #open({ url, caPem, identity }: ApiAccess): Promise<void> {
    const credential =
      identity.kind === "token"
        ? { headers: { authorization: `Bearer ${identity.token}`, accept: "application/json" } }
        : { cert: identity.certificatePem, key: identity.keyPem, headers: { accept: "application/json" } };
    const watch = request(`${url}/api/v1/secrets?watch=true&resourceVersion=0`, { ca: caPem, agent: false, ...credential });
    this.#requests.push(watch);
    const answered = once(watch, "response");
    watch.end();
    const [response]: IncomingMessage[] = await answered;
    if (response?.statusCode !== 200) {
      response?.resume();
      throw new TargetError("watch-failed", `A watch of all Secrets is refused with HTTP status ${response?.statusCode}.`);
    }
    const heads = new LineHeads((head) => this.#take(head));
    response.on("data", (chunk: Buffer) => heads.add(chunk));
    const end = (why: string) => {
      if (!this.#isClosing) this.#broken = why;
    };
    response.once("end", () => end("the API server closed it"));
    watch.on("error", (thrown) => end(messageOf(thrown)));
    response.on("error", (thrown) => end(messageOf(thrown)));
  }

  #take(head: string): void {
    this.#seen++;
    const event = eventOf(head);
    if (event !== undefined) this.onEvent(event);
  }
}

/** Reads `{"type":"ADDED","object":{…"metadata":{"name":"a","namespace":"b",…`. */
function eventOf(head: string): SeenEvent | undefined {
  const type = /^\{"type":"([A-Z]+)"/.exec(head)?.[1];
  const metadata = head.slice(head.indexOf('"metadata":{'));
  const name = /"name":"([^"]+)"/.exec(metadata)?.[1];
  const namespace = /"namespace":"([^"]+)"/.exec(metadata)?.[1];
  return type === undefined || name === undefined || namespace === undefined ? undefined : { type, secret: `${namespace}/${name}` };
}

/** Cuts a stream into lines and keeps no more than the head of each. */
class LineHeads {
  #onHead: (head: string) => void;
  #head = "";

  constructor(onHead: (head: string) => void) {
    this.#onHead = onHead;
  }

  add(chunk: Buffer): void {
    for (let start = 0; start < chunk.length; ) {
      const newline = chunk.indexOf(0x0a, start);
      const end = newline < 0 ? chunk.length : newline;
      const room = headBytes - this.#head.length;
      if (room > 0) this.#head += chunk.toString("latin1", start, Math.min(end, start + room));
      if (newline < 0) return;
      const head = this.#head;
      this.#head = "";
      start = newline + 1;
      this.#onHead(head);
    }
  }
}
