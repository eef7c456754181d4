import type { Clock } from "../../harness/clock.ts";
import type { StoredKind } from "../../harness/envelope/index.ts";
import type { Need, SubjectBase } from "./check.ts";
import type { Keyring } from "./envelope-keyring.ts";
import type { EnvelopePlane } from "./envelope-plane.ts";
import { EnvelopeValue, type EtcdValue } from "./envelope-value.ts";

/** Stored values under conformance checks, wherever they come from. */
export interface EnvelopeSubject extends SubjectBase {
  /** Where the values come from, in words that follow "in": `etcd at https://127.0.0.1:2379`. */
  readonly origin: string;
  /**
   * Hands every value to `visit`, one after the other in the order of the keys. Checks that ask in the same moment share one reading, so that
   * they take as long as one of them and nothing need be kept.
   */
  each(visit: (value: EnvelopeValue) => void | Promise<void>): Promise<void>;
  /** What a value that the API server can read begins with; undefined where nobody gave its configuration. */
  readonly readable: readonly string[] | undefined;
  /** Whether each kind of value was written by one run of one API server, as only who started it knows. */
  readonly isOneLife: boolean;
  /** Why the values are of several writers on purpose; undefined where they are not. */
  readonly severalWriters: string | undefined;
  /** The control plane that wrote the values; checks that ask for it have the need `configure`. */
  readonly plane: EnvelopePlane | undefined;
}

export interface StoredValuesOptions {
  readonly origin: string;
  /** Reads them anew; called for each reading. */
  readonly values: () => AsyncIterable<EtcdValue>;
  readonly keyring: Keyring;
  /** The names of the configuration's keys and providers. */
  readonly names: readonly string[];
  readonly readable: readonly string[] | undefined;
  readonly isOneLife?: boolean;
  readonly severalWriters?: string;
  readonly plane?: EnvelopePlane;
  readonly lacks: Partial<Record<Need, string>>;
  readonly clock: Clock;
}

/** The subject that some values are, however they are read. */
export function storedValues(options: StoredValuesOptions): EnvelopeSubject {
  const { origin, values, keyring, names, readable, isOneLife = false, severalWriters, plane, lacks, clock } = options;
  const reading = new SharedReading(() => judged(values(), keyring, names), clock);
  return {
    origin,
    readable,
    isOneLife,
    severalWriters,
    each: (visit) => reading.each(visit),
    lacks: (need) => lacks[need],
    plane,
  };
}

/** In the words of a configuration: who wrote values of this kind. */
export const kindTitles: Readonly<Record<StoredKind, string>> = {
  identity: "identity",
  "kms-v1": "KMS v1",
  "kms-v2": "KMS v2",
  aescbc: "aescbc",
  aesgcm: "aesgcm",
  secretbox: "secretbox",
};

async function* judged(values: AsyncIterable<EtcdValue>, keyring: Keyring, names: readonly string[]): AsyncIterable<EnvelopeValue> {
  for await (const value of values) yield new EnvelopeValue(value, keyring, names);
}

interface Visitor {
  readonly visit: (value: EnvelopeValue) => void | Promise<void>;
  readonly resolve: () => void;
  readonly reject: (fault: unknown) => void;
}

/** One reading for all who wait for one. */
class SharedReading {
  readonly #read: () => AsyncIterable<EnvelopeValue>;
  readonly #clock: Clock;
  #waiting = new Set<Visitor>();
  #running: Promise<void> | undefined;

  constructor(read: () => AsyncIterable<EnvelopeValue>, clock: Clock) {
    this.#read = read;
    this.#clock = clock;
  }

  each(visit: Visitor["visit"]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.add({ visit, resolve, reject });
    this.#running ??= this.#run();
    return promise;
  }

  async #run(): Promise<void> {
    while (this.#waiting.size > 0) {
      // Those that ask until the next turn of the event loop come along.
      await this.#clock.sleep(0);
      const visitors = this.#waiting;
      this.#waiting = new Set();
      await readTo(visitors, this.#read());
    }
    this.#running = undefined;
  }
}

/** A visitor that throws is the only one that ends; never rejects. */
async function readTo(visitors: Set<Visitor>, values: AsyncIterable<EnvelopeValue>): Promise<void> {
  try {
    for await (const value of values) {
      await Promise.all(
        [...visitors].map(async (visitor) => {
          try {
            await visitor.visit(value);
          } catch (thrown) {
            visitors.delete(visitor);
            visitor.reject(thrown);
          }
        }),
      );
      if (visitors.size === 0) return;
    }
    for (const { resolve } of visitors) resolve();
  } catch (thrown) {
    for (const { reject } of visitors) reject(thrown);
  }
}

/** What there is not where somebody else wrote the values. */
export const notWrittenHere: Partial<Record<Need, string>> = {
  configure:
    "The values are somebody's own, among which nothing is written; without --etcd and without a folder kmsmark starts a control plane for this.",
};
