import { TargetError } from "../../harness/errors.ts";
import { type Population, population } from "../../harness/load/population.ts";
import { encodeSecret } from "../../harness/load/secret-spec.ts";
import type { BenchOptions } from "./benchmark.ts";
import { OutcomeLog, sendEach } from "./scene-load.ts";
import type { SceneLog } from "./scene-log.ts";

export type KmsProvider = "kms-v1" | "kms-v2";

/** What a scenario is played for: each provider with a KMS at each number of Secrets. */
export function kmsProvidersOf({
  providers,
  secrets,
}: Pick<BenchOptions, "providers" | "secrets">): { readonly provider: KmsProvider; readonly secrets: number }[] {
  return providers.flatMap((provider) =>
    provider === "kms-v1" || provider === "kms-v2" ? secrets.map((count) => ({ provider, secrets: count })) : [],
  );
}

/** Requests under way at once where only the result counts. */
const workers = 4;

/** Creates the Secrets of a control plane that has none, as a part of a play that is not measured. @throws TargetError `api-refused` */
export async function createSecrets(log: SceneLog, options: { readonly secrets: number; readonly seed: string }): Promise<Population> {
  const secrets = population(options);
  for (const namespace of secrets.namespaces) await log.client.createNamespace(namespace);
  const outcomes = new OutcomeLog({ monotonicMs: () => 0 });
  await sendEach(indexesOf(secrets), { log: outcomes, workers }, (index) => log.client.createSecret(encodeSecret(secrets.at(index))));
  requireAll(outcomes, "create");
  return secrets;
}

/** Gives some of the Secrets other values, which encrypts them anew. @throws TargetError `api-refused` */
export async function changeSecrets(
  log: SceneLog,
  secrets: Population,
  { indexes, generation }: { readonly indexes: readonly number[]; readonly generation: number },
): Promise<void> {
  const outcomes = new OutcomeLog({ monotonicMs: () => 0 });
  await sendEach(indexes, { log: outcomes, workers }, (index) => log.client.updateSecret(encodeSecret(secrets.at(index, generation))));
  requireAll(outcomes, "change");
}

/** Every place of a population, in order. */
export function indexesOf({ count }: Pick<Population, "count">): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

function requireAll(outcomes: OutcomeLog, what: string): void {
  const { requests, failures } = outcomes.facts();
  if (requests.failed === 0) return;
  const [most] = failures;
  throw new TargetError(
    "api-refused",
    `The API server did not ${what} ${requests.failed} of ${requests.due} Secrets: ${most === undefined ? "no reason" : `${most.status} ${most.message}`}.`,
  );
}
