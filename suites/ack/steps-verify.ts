import { randomBytes } from "node:crypto";
import { TargetError } from "../../harness/errors.ts";
import { SecretsClient } from "../../harness/load/api-client.ts";
import { encodeSecret } from "../../harness/load/secret-spec.ts";
import { ackRole } from "../../plugins/emulators/alibaba/ack-rules.ts";
import { failed, type Step, verified } from "./step.ts";
import { isByRole, type TrailRecord } from "./trail.ts";
import type { VerifyStage } from "./verify-stage.ts";

const part = "Verification of a cluster";

/** Reads what an account says of a cluster's encryption, and changes nothing in it. */
export const verifySteps: readonly Step<VerifyStage>[] = [
  {
    id: "verify/cluster",
    part,
    title: "The cluster encrypts its Secrets with a key",
    says: "On the cluster's page the encryption of Secrets is on and names the key.",
    async run(stage) {
      const { clusterId, region } = stage.options;
      const { state, keyId, name, clusterSpec, region: where } = await stage.ack.describe(clusterId);
      const evidence = `Cluster ${clusterId} (${name}, ${clusterSpec || "no specification"}, ${where || region}) is ${state}.`;
      if (keyId === undefined) {
        const remedy = "Turn the encryption of Secrets on in the cluster's page, or with UpdateKMSEncryption, and write every Secret anew.";
        return failed("The cluster does not encrypt its Secrets: its meta_data names no key.", remedy, evidence);
      }
      stage.keyId = keyId;
      if (state !== "running") return failed(`The cluster is ${state}.`, "Wait until it is running, and verify again.", evidence);
      return verified(evidence, `Its meta_data names the key ${keyId}.`);
    },
  },
  {
    id: "verify/role",
    part,
    title: `The service role ${ackRole.name} is authorised`,
    says: `ACK uses KMS with the role ${ackRole.name}.`,
    isAlways: true,
    async run({ ack }) {
      if (await ack.isRoleGranted(ackRole.name)) return verified("check-service-role says granted: true.");
      const remedy = "Authorise it at https://ram.console.aliyun.com/role/authorize as the account's owner.";
      return failed(`The account has not authorised ${ackRole.name}.`, remedy);
    },
  },
  {
    id: "verify/key",
    part,
    title: "The key can be used",
    says: "The key is enabled, of the specification Aliyun_AES_256 and for ENCRYPT/DECRYPT; disabled or deleted it takes the cluster down.",
    async run(stage) {
      const { KeyId, KeyState, KeySpec, KeyUsage, DeletionProtection, PrimaryKeyVersion } = await stage.kms.describe(stage.keyId ?? "");
      stage.keyId = KeyId;
      const evidence = [
        `The key ${KeyId} is ${KeyState}, ${KeySpec}, for ${KeyUsage}; its version ${PrimaryKeyVersion || "unknown"} encrypts.`,
        `Its deletion protection is ${DeletionProtection}.`,
      ];
      if (KeyState !== "Enabled") return failed(`The key is ${KeyState}.`, "Enable it at once, or cancel its deletion.", ...evidence);
      if (KeySpec !== "Aliyun_AES_256" || KeyUsage !== "ENCRYPT/DECRYPT") {
        return failed("The key is not of the kind that ACK uses.", "Choose another key for the cluster.", ...evidence);
      }
      return verified(...evidence);
    },
  },
];

/** Only where it was asked for: it writes. */
export const testSecretStep: Step<VerifyStage> = {
  id: "verify/test-secret",
  part,
  title: "A test Secret is created, and removed again",
  says: "Create a Secret, and look for its event.",
  async run(stage) {
    const { testSecret, signal, clock } = stage;
    if (testSecret === undefined) throw new TargetError("no-kubeconfig", "There is no kubeconfig to make a test Secret with.");
    await using client = new SecretsClient({ api: testSecret.access, connections: 1 });
    const name = `kmsmark-verify-${randomBytes(4).toString("hex")}`;
    const { namespace } = testSecret;
    const spec = { namespace, name, type: "Opaque", data: new Map([["value", randomBytes(16)]]) };
    // Events have whole seconds.
    stage.sinceMs = Math.floor(clock.wallMs() / 1000) * 1000;
    const { failure, status } = await client.createSecret(encodeSecret(spec), signal);
    if (failure !== undefined)
      return failed(`The API server refuses the Secret: HTTP ${status}, ${failure}.`, "Check the kubeconfig's rights.");
    const removed = await client.deleteSecret(namespace, name, signal);
    const end = removed.failure === undefined ? "and removed" : `but could not be removed: ${removed.failure}`;
    return verified(`${namespace}/${name} was created ${end}; only events from ${new Date(stage.sinceMs).toISOString()} on count.`);
  },
};

export const eventsStep: Step<VerifyStage> = {
  id: "verify/events",
  part,
  title: "ActionTrail shows the role's calls on the key",
  says: `In ActionTrail look for the events Encrypt and Decrypt of KMS whose user is ${ackRole.name.toLowerCase()}.`,
  async run(stage) {
    const { trail, options, progress, clock } = stage;
    const keyId = stage.keyId ?? "";
    // With KMS v2 a Secret costs no call of its own: what it can show is an Encrypt of the seed under which it lies.
    const wanted = stage.testSecret === undefined ? (["Encrypt", "Decrypt"] as const) : (["Encrypt"] as const);
    const proofsOf = (records: readonly TrailRecord[], name: string) =>
      records.filter((record) => record.name === name && record.timeMs >= stage.sinceMs && isProof(record, keyId));
    const startMs = clock.monotonicMs();
    const { records, isEnough } = await trail.until(stage.sinceMs, (found) => wanted.every((name) => proofsOf(found, name).length > 0), {
      deadlineMs: options.deadlineMs,
      onPoll: (found) => {
        stage.records = found;
        progress.detail(
          `${found.length} events of KMS, ${wanted.map((name) => `${proofsOf(found, name).length} ${name}`).join(" and ")} of the role`,
        );
      },
    });
    stage.records = records;
    const evidence = [
      `${wanted.map((name) => `${proofsOf(records, name).length} ${name}`).join(" and ")} of ${ackRole.name} on ${keyId} among ${records.length} events of KMS from ${new Date(stage.sinceMs).toISOString()} on.`,
      `Looked for ${((clock.monotonicMs() - startMs) / 1000).toFixed(0)} s.`,
    ];
    const refusals = records.filter((record) => isByRole(record, ackRole.name) && isRefused(record));
    const [refusal] = refusals;
    if (refusal !== undefined)
      evidence.push(`Calls of the role that were refused: ${refusals.length}, the first with ${refusal.errorCode}.`);
    if (isEnough) return verified(...evidence);
    const remedy =
      stage.testSecret === undefined
        ? "Events show after up to ten minutes: look again with a longer --deadline, or an earlier --look-back."
        : "Events show after up to ten minutes: look again with a longer --deadline. With KMS v2 many Secrets share one call: then look without a test Secret.";
    return failed("The trail does not show that the role uses the key.", remedy, ...evidence);
  },
};

/**
 * An answered call of the role on the key. A Decrypt names no key in its request, and whether the real trail records the answer's is not known
 * (spec alibaba-cloud 4.2): one without a key counts.
 */
function isProof(record: TrailRecord, keyId: string): boolean {
  if (!isByRole(record, ackRole.name) || record.errorCode !== null) return false;
  return record.keyId === null ? record.name === "Decrypt" : record.keyId === keyId || record.keyId.endsWith(`/${keyId}`);
}

/** A dry run that would have worked ends with an error too (spec alibaba-cloud 1.6). */
function isRefused({ errorCode }: TrailRecord): boolean {
  return errorCode !== null && errorCode !== "DryRunOperationError";
}
