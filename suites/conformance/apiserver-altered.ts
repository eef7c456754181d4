import type { ApiAnswer } from "../../harness/load/api-answer.ts";
import type { ApiRequest } from "../../harness/load/api-client.ts";
import type { Metrics } from "../../harness/load/metrics.ts";
import type { Encryption, EncryptionFile } from "../../harness/target/encryption-configuration.ts";
import type { ControlPlane, Store, StoredValue } from "../../harness/target/target.ts";
import { TestServer } from "./apiserver-server.ts";
import type { ApiserverSubject, ServerOptions, SharedStage, Stage } from "./apiserver-subject.ts";
import type { KmsCall, ScriptedKms } from "./scripted-kms.ts";

/**
 * What is wrong with an API server, by what its observers see of it; what is not named is right. The functions may keep a state, so that a
 * test makes a new alteration for each run of a check.
 */
export interface Alteration {
  /** What the server takes a request for. The plane is the unaltered one, here and below. */
  readonly request?: (request: ApiRequest, plane: ControlPlane) => ApiRequest | Promise<ApiRequest>;
  /** What it answers, and what else it does by the way. Health endpoints are answered here, too. */
  readonly answer?: (answer: ApiAnswer, request: ApiRequest, plane: ControlPlane) => ApiAnswer | Promise<ApiAnswer>;
  /** What lies in etcd of a key; undefined where nothing does. What a check puts there is stored as it is. */
  readonly stored?: (stored: StoredValue) => StoredValue | undefined;
  readonly metrics?: (metrics: Metrics) => Metrics;
  /** The calls that the plugin saw, of those that a check looks at: all of them, or those since a mark. */
  readonly calls?: (calls: readonly KmsCall[]) => readonly KmsCall[];
  /** What it makes of a configuration, at a start, a restart or a change. Shared control planes were started without it. */
  readonly encryption?: (encryption: EncryptionFile) => EncryptionFile;
  /** What it makes of the rest of its options. */
  readonly options?: (options: ServerOptions) => ServerOptions;
  /** What it does by itself once it runs. */
  readonly started?: (plane: ControlPlane) => Promise<void>;
  /** Its last words where it does not start; undefined where it does. */
  readonly lastWords?: (words: string | undefined, text: string) => string | undefined;
}

/**
 * For tests: the same API server with something wrong, to see a check fail on it. The subject stays the caller's; disposing of what this
 * returns does nothing.
 */
export function alteredSubject(subject: ApiserverSubject, alteration: Alteration): ApiserverSubject {
  return {
    kubernetesVersion: subject.kubernetesVersion,
    isModel: subject.isModel,
    signal: subject.signal,
    lacks: (need) => subject.lacks(need),
    stage: async () => new AlteredStage(await subject.stage(), alteration),
    async shared(provider) {
      const shared = await subject.shared(provider);
      const stage = new AlteredStage(shared, alteration);
      return overriding<SharedStage>(shared, {
        ...stage.members(),
        server: await stage.alter(shared.server),
        kms: alteredKms(shared.kms, alteration),
      });
    },
    async refusedStart(text) {
      const words = await subject.refusedStart(text);
      return alteration.lastWords === undefined ? words : alteration.lastWords(words, text);
    },
    async [Symbol.asyncDispose]() {},
  };
}

class AlteredStage implements Stage {
  readonly #stage: Stage;
  readonly #alteration: Alteration;
  readonly #clients = new AsyncDisposableStack();

  constructor(stage: Stage, alteration: Alteration) {
    this.#stage = stage;
    this.#alteration = alteration;
  }

  get clock() {
    return this.#stage.clock;
  }

  pass(ms: number): Promise<void> {
    return this.#stage.pass(ms);
  }

  until(condition: () => Promise<boolean>, time: { readonly withinMs: number; readonly everyMs: number }): Promise<boolean> {
    return this.#stage.until(condition, time);
  }

  async startKms(): Promise<ScriptedKms> {
    return alteredKms(await this.#stage.startKms(), this.#alteration);
  }

  async startServer(options: ServerOptions): Promise<TestServer> {
    const altered = this.#alteration.options?.(options) ?? options;
    return this.alter(await this.#stage.startServer({ ...altered, encryption: alteredFile(altered.encryption, this.#alteration) }));
  }

  /** A view of a running server, in a namespace of its own. */
  async alter(server: TestServer): Promise<TestServer> {
    const altered = this.#clients.use(new AlteredServer(server, this.#alteration));
    await this.#alteration.started?.(server.plane);
    await altered.newNamespace();
    return altered;
  }

  /** What a shared stage has in common with this one. */
  members(): Pick<Stage, "startKms" | "startServer" | typeof Symbol.asyncDispose> {
    return {
      startKms: () => this.startKms(),
      startServer: (options) => this.startServer(options),
      [Symbol.asyncDispose]: () => this[Symbol.asyncDispose](),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#clients.disposeAsync();
    await this.#stage[Symbol.asyncDispose]();
  }
}

class AlteredServer extends TestServer {
  readonly #plane: ControlPlane;
  readonly #alteration: Alteration;

  constructor({ plane, signal }: TestServer, alteration: Alteration) {
    super(alteredPlane(plane, alteration), signal);
    this.#plane = plane;
    this.#alteration = alteration;
  }

  override async request(request: ApiRequest): Promise<ApiAnswer> {
    const { request: take, answer: give } = this.#alteration;
    const answer = await super.request((await take?.(request, this.#plane)) ?? request);
    return (await give?.(answer, request, this.#plane)) ?? answer;
  }

  override async metrics(): Promise<Metrics> {
    const metrics = await super.metrics();
    return this.#alteration.metrics?.(metrics) ?? metrics;
  }
}

function alteredPlane(plane: ControlPlane, alteration: Alteration): ControlPlane {
  const store = plane.store && alteredStore(plane.store, alteration);
  return overriding<ControlPlane>(plane, {
    store,
    startApiServer: ({ encryption } = {}) =>
      plane.startApiServer(encryption === undefined ? {} : { encryption: alteredEncryption(encryption, alteration) }),
    changeEncryption: (encryption) => plane.changeEncryption(alteredEncryption(encryption, alteration)),
  });
}

function alteredStore(store: Store, { stored: alter = (stored) => stored }: Alteration): Store {
  async function* altered(values: AsyncIterable<StoredValue>): AsyncIterable<StoredValue> {
    for await (const value of values) {
      const other = alter(value);
      if (other !== undefined) yield other;
    }
  }
  return {
    list: (prefix, signal) => altered(store.list(prefix, signal)),
    history: (prefix, signal) => altered(store.history(prefix, signal)),
    async get(key, signal) {
      const stored = await store.get(key, signal);
      return stored && alter(stored);
    },
    put: (key, value, signal) => store.put(key, value, signal),
    delete: (key, signal) => store.delete(key, signal),
  };
}

function alteredKms(kms: ScriptedKms, { calls: alter = (calls) => calls }: Alteration): ScriptedKms {
  return overriding<ScriptedKms>(kms, {
    get calls() {
      return alter(kms.calls);
    },
    since: (mark, method) => alter(kms.since(mark)).filter((call) => method === undefined || call.method === method),
  });
}

function alteredEncryption(encryption: Encryption, alteration: Alteration): Encryption {
  if ("each" in encryption) return { each: encryption.each.map((file) => alteredFile(file, alteration)) };
  return alteredFile(encryption, alteration);
}

function alteredFile(file: EncryptionFile, { encryption: alter }: Alteration): EncryptionFile {
  return alter?.(file) ?? file;
}

/** The same object with some members exchanged; its methods see the object as it was. */
function overriding<T extends object>(object: T, members: Partial<T>): T {
  return new Proxy(object, {
    get(target, name) {
      if (name in members) return Reflect.get(members, name);
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}
