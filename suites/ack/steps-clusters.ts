import { encodeSecret } from "../../harness/load/secret-spec.ts";
import { refusalOf } from "./refusals.ts";
import { accepted, annotateAll, createAll, readAll } from "./secrets.ts";
import type { Stage } from "./stage.ts";
import { failed, type Step, verified } from "./step.ts";
import { encryptedCluster, plainCluster } from "./steps-prerequisites.ts";
import { areAllUnder, describeStored, inspectStored, keyIdOf } from "./stored-secrets.ts";

const newPart = "A new cluster";
const existingPart = "An existing cluster";

/** Encryption from the beginning. */
export const newCluster: readonly Step<Stage>[] = [
  {
    id: "new/create",
    part: newPart,
    title: "A cluster is created with the key",
    says: "On the page that creates an ACK Pro cluster, turn on the encryption of Secrets and choose the key.",
    async run(stage) {
      const { operator, keyId } = stage;
      stage.changedMs = stage.parts.clock.wallMs();
      const { clusterId, taskId } = await operator.ack.createCluster(encryptedCluster(stage, keyId));
      stage.clusterId = clusterId;
      stage.usedKeys.add(keyId);
      const { states, facts } = await stage.watchUntilRunning();
      const { DeletionProtection } = await operator.kms.describe(keyId);
      const evidence = [
        `Cluster ${clusterId}: ${states.join(" → ")}; its task is ${await operator.ack.taskState(taskId)}.`,
        `meta_data names the key ${facts.keyId}; the key's deletion protection is ${DeletionProtection}.`,
      ];
      const isRight = states.join() === "initial,running" && facts.keyId === keyId && DeletionProtection === "Enabled";
      return isRight ? verified(...evidence) : failed("The cluster did not come up as it should.", null, ...evidence);
    },
  },
  {
    id: "new/secrets",
    part: newPart,
    title: "Its bootstrap Secrets are encrypted",
    says: "Secrets are encrypted with the key from the first one on, also those that bootstrapping the cluster creates.",
    async run(stage) {
      const { cluster, signal, parts } = stage;
      const secrets = stage.secretsOf("bootstrap");
      await createAll(cluster.client, secrets, signal, (done, total) => parts.progress.share("written", done, total));
      const stored = await inspectStored(cluster, secrets, signal);
      const current = await currentKeyId(stage);
      const evidence = [describeStored(stored)];
      return areAllUnder(stored, current) && current.startsWith(`${stage.keyId}/`)
        ? verified(...evidence)
        : failed("Not every Secret is encrypted under the key.", null, ...evidence);
    },
  },
];

/** Encryption of what lies in plaintext. */
export const existingCluster: readonly Step<Stage>[] = [
  {
    id: "existing/create",
    part: existingPart,
    title: "A cluster without a key holds its Secrets in plaintext",
    says: "Base64 is no encryption: by default Secrets lie readable in etcd.",
    async run(stage) {
      const { operator, signal, parts } = stage;
      await operator.ack.deleteCluster(stage.clusterId);
      const { clusterId } = await operator.ack.createCluster(plainCluster(stage, "kmsmark-existing"));
      stage.clusterId = clusterId;
      const { states, facts } = await stage.watchUntilRunning();
      const secrets = stage.secretsOf("existing");
      await createAll(stage.cluster.client, secrets, signal, (done, total) => parts.progress.share("written", done, total));
      const stored = await inspectStored(stage.cluster, secrets, signal);
      const evidence = [`Cluster ${clusterId}: ${states.join(" → ")}, no key in meta_data.`, describeStored(stored)];
      return stored.plaintext === secrets.count && facts.keyId === undefined
        ? verified(...evidence)
        : failed("The cluster is not one without encryption.", null, ...evidence);
    },
  },
  {
    id: "existing/rbac",
    part: existingPart,
    title: "Who does not administer the cluster may not turn encryption on",
    says: "The RAM user must be administrator or O&M engineer of the cluster by RBAC.",
    async run(stage) {
      const policies = ["AliyunCSFullAccess", "AliyunKMSCryptoAdminAccess"];
      const other = await stage.createUser("ack-reader", policies);
      const refusal = await refusalOf(other.ack.updateKms(stage.clusterId, stage.keyId));
      const facts = await stage.operator.ack.describe(stage.clusterId);
      const evidence = [`A RAM user with every RAM policy, but no role in the cluster, is refused with ${refusal ?? "nothing"}.`];
      return refusal?.startsWith("ForbiddenUpdateKMSState") === true && facts.keyId === undefined
        ? verified(...evidence)
        : failed("The encryption could be changed without the role.", null, ...evidence);
    },
  },
  {
    id: "existing/turn-on",
    part: existingPart,
    title: "Encryption is turned on",
    says: "On the cluster's page turn on the encryption of Secrets and choose the key; the cluster is updating, and then running again.",
    async run(stage) {
      const { operator, keyId } = stage;
      stage.changedMs = stage.parts.clock.wallMs();
      await operator.ack.updateKms(stage.clusterId, keyId);
      const meanwhile = await refusalOf(operator.ack.updateKms(stage.clusterId, keyId));
      const { states, facts } = await stage.watchUntilRunning(["running"]);
      const atOnce = await refusalOf(operator.ack.updateKms(stage.clusterId, null));
      const evidence = [
        `Cluster ${stage.clusterId}: ${states.join(" → ")}; meta_data names the key ${facts.keyId}.`,
        `A second change meanwhile is refused with ${meanwhile ?? "nothing"}, and right afterwards with ${atOnce ?? "nothing"}.`,
        `The emulated cloud accepts the next one after ${stage.parts.cloud.kmsChangePauseMs / 1000} s; the real one after 5 minutes.`,
      ];
      const isRight = states.join() === "running,updating,running" && facts.keyId === keyId && isConflict(meanwhile) && isConflict(atOnce);
      return isRight ? verified(...evidence) : failed("The change did not go as it should.", null, ...evidence);
    },
  },
  {
    id: "existing/new-secret",
    part: existingPart,
    title: "New Secrets are encrypted, those from before are still in plaintext",
    says: "From now on Secrets are encrypted when they are written; kubectl shows them decrypted as before.",
    async run(stage) {
      const { cluster, signal } = stage;
      const keyId = await writeProbe(stage, "after-turning-on");
      const secrets = stage.secretsOf("existing");
      const stored = await inspectStored(cluster, secrets, signal);
      const { read, refusal } = await readAll(cluster.client, secrets, signal);
      const evidence = [
        `A Secret that was created now lies under ${keyId ?? "no key"}.`,
        describeStored(stored),
        `${read} of ${secrets.count} can be read through the API server${refusal === undefined ? "" : `: ${refusal}`}.`,
      ];
      const isRight = keyId?.startsWith(`${stage.keyId}/`) === true && stored.plaintext === secrets.count && read === secrets.count;
      return isRight ? verified(...evidence) : failed("The cluster does not hold old and new Secrets side by side.", null, ...evidence);
    },
  },
  {
    id: "existing/migrate",
    part: existingPart,
    title: "All Secrets are migrated",
    says: "To encrypt what is there, write every Secret anew: kubectl get secrets -A -o json | kubectl annotate --overwrite -f - encryption-key-rotation-time=…",
    run: (stage) => migrate(stage),
  },
];

/** Writes every Secret of the existing cluster anew, and sees each under what encrypts now: none is stale. */
export async function migrate(stage: Stage) {
  const { cluster, signal, parts, clusterId } = stage;
  const secrets = stage.secretsOf("existing");
  const startMs = parts.clock.monotonicMs();
  const onShare = (done: number, total: number) => parts.progress.share("written anew", done, total);
  const count = await annotateAll(cluster.client, { time: stage.time(), signal, onShare });
  const tookMs = parts.clock.monotonicMs() - startMs;
  const stored = await inspectStored(cluster, secrets, signal);
  const current = await currentKeyId(stage);
  const evidence = [`${count} Secrets of ${clusterId} written anew in ${(tookMs / 1000).toFixed(1)} s.`, describeStored(stored)];
  // The plugin may name any key; it has to be the one that was chosen.
  const isRight = current.startsWith(`${stage.keyId}/`) && areAllUnder(stored, current);
  return isRight ? verified(...evidence) : failed(`Not every Secret is encrypted under the key ${stage.keyId}.`, null, ...evidence);
}

/** What the plugin names to the API server as the current key version. */
export async function currentKeyId({ cluster, signal }: Stage): Promise<string> {
  const [first] = cluster.links;
  return first === undefined ? "" : (await first.direct.status({ signal })).keyId;
}

/** Creates a Secret and says under which key_id it lies; undefined for plaintext. */
export async function writeProbe(stage: Stage, name: string): Promise<string | undefined> {
  const { cluster, signal } = stage;
  const value = Buffer.from(`a value that nobody needs, ${name}`);
  const spec = { namespace: "default", name: `kmsmark-probe-${name}`, type: "Opaque", data: new Map([["value", value]]) };
  await accepted(cluster.client.createSecret(encodeSecret(spec), signal));
  return keyIdOf(cluster, spec, signal);
}

function isConflict(refusal: string | undefined): boolean {
  return refusal?.endsWith("(HTTP 409)") === true;
}
