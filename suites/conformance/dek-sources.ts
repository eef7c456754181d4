import { dekSourceId, parseStoredValue } from "../../harness/envelope/index.ts";
import { type Stage, startKnownServer } from "./apiserver-subject.ts";
import { reseal } from "./offline.ts";

/** Several times as many as are decoded at once. */
const secrets = 60;
/** Those of them under seeds that the API server never saw, each under its own. */
const foreignSecrets = 2;

/** Restarts an API server with Secrets of a few DEK sources, its own among them, and counts the Decrypt calls until it is ready. */
export async function restartWithSources(
  stage: Stage,
  featureGates: Readonly<Record<string, boolean>>,
): Promise<{ readonly secrets: number; readonly sources: number; readonly decrypts: number }> {
  const known = await startKnownServer(stage, "kms-v2", featureGates);
  const { kms, server } = known;
  for (let index = 0; index < secrets; index++) await server.succeed(server.create(`cold-${index}`, "a value"));
  for (let index = 0; index < foreignSecrets; index++) await reseal(known, `cold-${index}`, "kms-v2");
  const sources = new Set<string>();
  for await (const { value } of server.store.list(`${server.plane.etcdPrefix}/secrets/`, server.signal)) {
    const stored = parseStoredValue(value);
    if (stored.kind === "kms-v2") sources.add(dekSourceId(stored.object));
  }
  // Answered once the watch cache has read what came from elsewhere.
  await server.succeed(server.list());
  const { mark } = kms;
  await server.restart();
  // Answered from the watch cache, once that has read everything.
  await server.succeed(server.list());
  // The server has a provider of KMS v1, too, whose health is asked for.
  const decrypts = kms.since(mark, "Decrypt").filter((call) => call.kms === "v2").length;
  return { secrets, sources: sources.size, decrypts };
}
