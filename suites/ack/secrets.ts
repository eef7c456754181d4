import { z } from "zod";
import { TargetError } from "../../harness/errors.ts";
import type { ApiAnswer } from "../../harness/load/api-answer.ts";
import type { SecretsClient } from "../../harness/load/api-client.ts";
import type { Population } from "../../harness/load/population.ts";
import { encodeSecret, type SecretSpec } from "../../harness/load/secret-spec.ts";

/** How many requests are under way at once; as many as the client has connections. */
const inFlightMax = 8;

export type OnShare = (done: number, total: number) => void;

/** Creates every Secret of a population, and the namespaces first. @throws TargetError `api-refused` */
export async function createAll(client: SecretsClient, secrets: Population, signal: AbortSignal, onShare: OnShare): Promise<void> {
  for (const namespace of secrets.namespaces) await accepted(client.createNamespace(namespace, signal));
  await eachOf(specsOf(secrets), (spec) => accepted(client.createSecret(encodeSecret(spec), signal)), onShare);
}

const listSchema = z.object({ items: z.array(z.object({ metadata: z.object({ namespace: z.string(), name: z.string() }) })) });
/** As kubectl asks. */
const listLimit = 500;

/**
 * Writes every Secret of the cluster anew as the page has it done: `kubectl get secrets -A -o json | kubectl annotate --overwrite -f -
 * encryption-key-rotation-time="…"` changes an annotation, and so also those are written whose stored value would otherwise count as right (spec
 * alibaba-cloud 6). Gives how many there were. @throws TargetError `api-refused`
 */
export async function annotateAll(
  client: SecretsClient,
  { time, signal, onShare }: { readonly time: string; readonly signal: AbortSignal; readonly onShare: OnShare },
): Promise<number> {
  const names: { readonly namespace: string; readonly name: string }[] = [];
  for await (const page of client.listPages({ limit: listLimit }, signal)) {
    await accepted(Promise.resolve(page));
    names.push(...listSchema.parse(page.json()).items.map(({ metadata }) => metadata));
  }
  const body = Buffer.from(JSON.stringify({ metadata: { annotations: { "encryption-key-rotation-time": time } } }));
  const contentType = "application/merge-patch+json";
  await eachOf(
    names,
    ({ namespace, name }) =>
      accepted(
        client.request({
          method: "PATCH",
          path: `/api/v1/namespaces/${namespace}/secrets/${name}`,
          body,
          contentType,
          names: [`${namespace}/${name}`, name],
          signal,
        }),
      ),
    onShare,
  );
  return names.length;
}

/** How many can be read, with the first refusal in words. */
export async function readAll(
  client: SecretsClient,
  secrets: Population,
  signal: AbortSignal,
): Promise<{ readonly read: number; readonly refusal: string | undefined }> {
  let read = 0;
  let refusal: string | undefined;
  await eachOf(specsOf(secrets), async ({ namespace, name }) => {
    const { failure } = await client.getSecret(namespace, name, signal);
    if (failure === undefined) read++;
    else refusal ??= failure;
  });
  return { read, refusal };
}

/** @throws TargetError `api-refused` with the API server's words */
export async function accepted(answer: Promise<ApiAnswer>): Promise<void> {
  const { failure, status } = await answer;
  if (failure !== undefined) throw new TargetError("api-refused", `The API server refused a Secret: HTTP ${status}, ${failure}.`);
}

function specsOf(secrets: Population): SecretSpec[] {
  return Array.from({ length: secrets.count }, (_, index) => secrets.at(index));
}

async function eachOf<Item>(items: readonly Item[], act: (item: Item) => Promise<void>, onShare: OnShare = () => {}): Promise<void> {
  const left = items.values();
  let done = 0;
  const worker = async () => {
    for (const item of left) {
      await act(item);
      onShare(++done, items.length);
    }
  };
  await Promise.all(Array.from({ length: inFlightMax }, worker));
}
