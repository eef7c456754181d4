import { randomUUID } from "node:crypto";
import { connectKmsV1, connectKmsV2 } from "../../harness/kms/client.ts";
import type { Population } from "../../harness/load/population.ts";
import type { SecretSpec } from "../../harness/load/secret-spec.ts";
import type { EnvelopeCheck } from "../../harness/run/schema.ts";
import type { ControlPlane } from "../../harness/target/target.ts";
import { checkEnvelopes, type KeySource } from "./envelope-check.ts";
import { type BenchConfiguration, kmsProviderName } from "./provider-configuration.ts";

export interface StoredCheckOptions {
  readonly plane: ControlPlane;
  readonly secrets: Population;
  /** Undefined where somebody else configured the control plane. */
  readonly configured: BenchConfiguration | undefined;
  /** The plugin's own socket, so that the calls of the check are not counted by the tap. */
  readonly pluginSocket: string | undefined;
  readonly signal: AbortSignal;
}

/** Checks what lies in the store after the first writes; a sentence says why where that is not possible. */
export async function checkStored({
  plane,
  secrets,
  configured,
  pluginSocket,
  signal,
}: StoredCheckOptions): Promise<EnvelopeCheck | string> {
  const { store, etcdPrefix } = plane;
  if (store === undefined) return plane.cannot.store ?? "there is no access to the store.";
  if (configured === undefined) return "kmsmark did not configure the encryption, so it does not have the keys.";
  const written = new Map<string, () => SecretSpec>();
  for (let index = 0; index < secrets.count; index++) {
    const { namespace, name } = secrets.at(index);
    written.set(`${etcdPrefix}/secrets/${namespace}/${name}`, () => secrets.at(index));
  }
  using keys = openKeys(configured, pluginSocket ?? "");
  return await checkEnvelopes(store.list(`${etcdPrefix}/secrets/`, signal), written, keys.source, signal);
}

function openKeys({ provider, localKey }: BenchConfiguration, pluginSocket: string): Disposable & { readonly source: KeySource } {
  switch (provider) {
    case "identity":
      return { source: { provider }, [Symbol.dispose]() {} };
    case "kms-v1": {
      const kms = connectKmsV1(pluginSocket);
      return { source: { provider, kms, name: kmsProviderName }, [Symbol.dispose]: () => kms[Symbol.dispose]() };
    }
    case "kms-v2": {
      const kms = connectKmsV2(pluginSocket);
      return { source: { provider, kms, name: kmsProviderName, newUid: randomUUID }, [Symbol.dispose]: () => kms[Symbol.dispose]() };
    }
    default:
      return { source: { provider, key: localKey }, [Symbol.dispose]() {} };
  }
}
