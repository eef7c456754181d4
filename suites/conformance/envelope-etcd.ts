import type { Clock } from "../../harness/clock.ts";
import { UsageError } from "../../harness/errors.ts";
import { type EtcdSettings, readEtcdAccess } from "../../harness/target/etcd-access.ts";
import { EtcdStore } from "../../harness/target/etcd-store.ts";
import { type KeyFiles, openKeys } from "./envelope-keys.ts";
import { type EnvelopeSubject, notWrittenHere, storedValues } from "./envelope-subject.ts";

export interface OpenEtcdValuesOptions extends EtcdSettings, KeyFiles {
  /** A resource of the core group as it stands in the etcd keys; `secrets` where it is not given. */
  readonly resource?: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Opens what an etcd holds of a resource; nothing is written there. The values are read page by page, and none is kept.
 * @throws UsageError `unreadable-file`, `etcd-half-credential`, `no-values`; TargetError `etcd-unreachable`, `etcd-refused`; and as
 * {@link openKeys} does.
 */
export async function openEtcdValues(options: OpenEtcdValuesOptions): Promise<EnvelopeSubject & AsyncDisposable> {
  const { prefix = "/registry", resource = "secrets", clock, signal } = options;
  await using held = new AsyncDisposableStack();
  const store = held.use(new EtcdStore(await readEtcdAccess(options)));
  const below = `${prefix.replace(/\/+$/, "").replace(/^(?!\/)/, "/")}/${resource}/`;
  await requireSome(store, below, options);
  const keys = held.use(await openKeys(options, { resource, signal }));
  const subject = storedValues({
    ...keys,
    origin: `etcd at ${options.url}`,
    values: () => store.list(below, signal),
    lacks: { ...notWrittenHere, ...(keys.lack === undefined ? {} : { keys: keys.lack }) },
    clock,
  });
  const all = held.move();
  return Object.assign(subject, { [Symbol.asyncDispose]: () => all.disposeAsync() });
}

async function requireSome(store: EtcdStore, below: string, { url, signal }: OpenEtcdValuesOptions): Promise<void> {
  for await (const _value of store.list(below, signal)) return;
  throw new UsageError("no-values", `etcd at ${url} holds nothing below ${below}, so that there is nothing to check.`, {
    hint: "Say with --etcd-prefix where the API server keeps its objects; its own option is --etcd-prefix, too.",
  });
}
