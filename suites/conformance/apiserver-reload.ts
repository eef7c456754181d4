import { randomBytes } from "node:crypto";
import { type Metrics, sumOf } from "../../harness/load/metrics.ts";
import type { EncryptionConfiguration, ProviderConfiguration } from "../../harness/target/encryption-configuration.ts";
import type { TestServer } from "./apiserver-server.ts";
import type { Stage } from "./apiserver-subject.ts";
import type { ScriptedKms } from "./scripted-kms.ts";

/**
 * The file is looked at every 60 s, and what is in it is given up to 10 s to become healthy (spec encryption-at-rest 4.4; k8s.io/apiserver
 * pkg/server/options/encryptionconfig/controller/controller.go). The rest is for a machine that has other things to do.
 */
export const reloadMsMax = 90_000;
export const reloadPollMs = 1000;

/** An API server with KMS v2 that looks at its file again, and one Secret `before` in it. */
export async function startReloading(
  stage: Stage,
): Promise<{ readonly kms: ScriptedKms; readonly server: TestServer; readonly provider: ProviderConfiguration }> {
  const kms = await stage.startKms();
  const provider = { kind: "kms", apiVersion: "v2", name: "one", socket: kms.socket } as const;
  const server = await stage.startServer({ encryption: secretsBy(provider), automaticReload: true });
  await server.succeed(server.create("before", "a value from before the reload"));
  return { kms, server, provider };
}

export function secretsBy(...providers: readonly ProviderConfiguration[]): EncryptionConfiguration {
  return { resources: [{ resources: ["secrets"], providers }] };
}

export function newAesGcm(): ProviderConfiguration {
  return { kind: "aesgcm", keys: [{ name: "key1", secret: randomBytes(32) }] };
}

/** How often the file was loaded since the start, with success or without. */
export function reloadsIn(metrics: Metrics, status: "success" | "failure"): number {
  return sumOf(metrics, "apiserver_encryption_config_controller_automatic_reloads_total", { status });
}

/** Waits until one more reload has ended so; false if none has in good time. */
export async function reloaded(stage: Stage, server: TestServer, status: "success" | "failure", before: Metrics): Promise<boolean> {
  return stage.until(async () => reloadsIn(await server.metrics(), status) > reloadsIn(before, status), {
    withinMs: reloadMsMax,
    everyMs: reloadPollMs,
  });
}
