import { randomUUID } from "node:crypto";
import { connectKmsV1, connectKmsV2 } from "../../harness/kms/client.ts";
import type { Population } from "../../harness/load/population.ts";
import type { SecretSpec } from "../../harness/load/secret-spec.ts";
import type { BenchProvider, EnvelopeCheck } from "../../harness/run/schema.ts";
import type { ControlPlane } from "../../harness/target/target.ts";
import { checkEnvelopes, type EnvelopeSource } from "./envelope-check.ts";
import { type BenchConfiguration, kmsProviderName } from "./provider-configuration.ts";

export interface StoredCheckOptions {
  readonly plane: ControlPlane;
  readonly secrets: Population;
  readonly provider: BenchProvider;
  /** Undefined where somebody else configured the control plane. */
  readonly configured: Pick<BenchConfiguration, "localKey"> | undefined;
  /** The plugin's own socket, so that the calls of the check are not counted by the tap. */
  readonly pluginSocket: string | undefined;
  readonly signal: AbortSignal;
}

/** Checks what lies in the store after the first writes; a sentence says why where that is not possible. */
export async function checkStored({ plane, secrets, signal, ...known }: StoredCheckOptions): Promise<EnvelopeCheck | string> {
  const { store, etcdPrefix } = plane;
  if (store === undefined) return `${plane.cannot.store ?? "there is no access to the store"}.`;
  using keys = openKeys(known);
  if (keys === undefined) return "the control plane is not kmsmark's, and nobody gave it the keys or the plugin's socket.";
  const written = new Map<string, () => SecretSpec>();
  for (let index = 0; index < secrets.count; index++) {
    const { namespace, name } = secrets.at(index);
    written.set(`${etcdPrefix}/secrets/${namespace}/${name}`, () => secrets.at(index));
  }
  return await checkEnvelopes(store.list(`${etcdPrefix}/secrets/`, signal), written, keys.source, { newUid: randomUUID, signal });
}

type Known = Pick<StoredCheckOptions, "provider" | "configured" | "pluginSocket">;

function openKeys({ provider, configured, pluginSocket }: Known): (Disposable & { readonly source: EnvelopeSource }) | undefined {
  const name = configured === undefined ? undefined : kmsProviderName;
  switch (provider) {
    case "identity":
      return { source: { provider }, [Symbol.dispose]() {} };
    case "kms-v1": {
      if (pluginSocket === undefined) return undefined;
      const kms = connectKmsV1(pluginSocket);
      return { source: { provider, kms, name }, [Symbol.dispose]: () => kms[Symbol.dispose]() };
    }
    case "kms-v2": {
      if (pluginSocket === undefined) return undefined;
      const kms = connectKmsV2(pluginSocket);
      return { source: { provider, kms, name }, [Symbol.dispose]: () => kms[Symbol.dispose]() };
    }
    default:
      return configured === undefined ? undefined : { source: { provider, key: configured.localKey }, [Symbol.dispose]() {} };
  }
}
