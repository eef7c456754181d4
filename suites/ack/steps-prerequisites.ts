import { z } from "zod";
import { ackRole } from "../../plugins/emulators/alibaba/ack-rules.ts";
import { refusalOf } from "./refusals.ts";
import type { BadKey, Stage } from "./stage.ts";
import { failed, refused, type Step, verified } from "./step.ts";

const part = "Prerequisites";
const cryptoAdmin = "AliyunKMSCryptoAdminAccess";
const trust = JSON.stringify({
  Version: "1",
  Statement: [{ Action: "sts:AssumeRole", Effect: "Allow", Principal: { Service: [ackRole.servicePrincipal] } }],
});

/** What ACK asks for before it encrypts anything; each is first seen to be refused. */
export const prerequisites: readonly Step<Stage>[] = [
  {
    id: "prerequisites/role",
    part,
    title: `The service role ${ackRole.name} is authorised`,
    says: `The first time that you choose a key you are prompted to authorise the role ${ackRole.name}, with which ACK uses KMS.`,
    async run(stage) {
      const { root, signal, parts } = stage;
      const evidence: string[] = [];
      if (!(await root.ack.isRoleGranted(ackRole.name))) {
        const probe = await root.kms.createKey({ Description: "Never used: the role is not authorised yet" });
        const refusal = await refusalOf(root.ack.createCluster(encryptedCluster(stage, probe.KeyId)));
        if (refusal === undefined) return failed("A cluster with a key was created although the role is not authorised.", null);
        evidence.push(`check-service-role says granted: false; a cluster with a key is refused with ${refusal}.`);
        if (parts.options.lack === "role" || !parts.options.isAuthorizing) {
          return refused(
            `The account has not authorised ${ackRole.name}.`,
            `Authorise it at https://ram.console.aliyun.com/role/authorize as the account's owner; in the emulated cloud: ack run --authorize.`,
            ...evidence,
          );
        }
        const call = { signal };
        await root.ram.rpc("CreateRole", { RoleName: ackRole.name, AssumeRolePolicyDocument: trust }, z.unknown(), call);
        const attachment = { RoleName: ackRole.name, PolicyType: "System", PolicyName: ackRole.policy };
        await root.ram.rpc("AttachPolicyToRole", attachment, z.unknown(), call);
        evidence.push(`Authorised: the role trusts ${ackRole.servicePrincipal} and has ${ackRole.policy}.`);
      }
      if (!(await root.ack.isRoleGranted(ackRole.name))) {
        return failed("check-service-role still says that the role is not granted.", null, ...evidence);
      }
      return verified(...evidence, "check-service-role says granted: true.");
    },
  },
  {
    id: "prerequisites/policy",
    part,
    title: `The RAM user has ${cryptoAdmin}`,
    says: `A RAM user needs the system policy ${cryptoAdmin}, and to be administrator or O&M engineer in the cluster.`,
    async run(stage) {
      const name = await stage.createOperator(["AliyunCSFullAccess", "AliyunActionTrailReadOnlyAccess"]);
      const probe = await stage.root.kms.createKey({ Description: "Never used: the RAM user may not" });
      const create = await refusalOf(stage.operator.kms.createKey());
      const choose = await refusalOf(stage.operator.ack.createCluster(encryptedCluster(stage, probe.KeyId)));
      if (create === undefined || choose === undefined) return failed("A RAM user without the policy was let to use a key.", null);
      const without = `Without the policy CreateKey is refused with ${create}, and a cluster with a key with ${choose}.`;
      if (stage.parts.options.lack === "policy") {
        return refused(
          `The RAM user ${name} has not the policy ${cryptoAdmin}.`,
          `Attach the system policy ${cryptoAdmin} to the RAM user in the RAM console, or AttachPolicyToUser as the account's owner.`,
          without,
        );
      }
      await stage.attach(name, cryptoAdmin);
      return verified(without, `With ${cryptoAdmin} attached, ${name} carries out what follows.`);
    },
  },
  {
    id: "prerequisites/key",
    part,
    title: "A key that ACK accepts is there",
    says: "Create a key in the region of the cluster: enabled, of the specification Aliyun_AES_256, for ENCRYPT/DECRYPT, and not a service's own.",
    async run(stage) {
      const { badKey } = stage.parts.options;
      if (badKey !== undefined) {
        const { keyId, remedy } = await prepareBad(stage, badKey);
        const refusal = await refusalOf(stage.operator.ack.createCluster(encryptedCluster(stage, keyId)));
        if (refusal === undefined) return failed(`ACK accepted a key that is ${badKey}.`, null);
        return refused(`ACK refuses the key ${keyId}: ${refusal}.`, remedy);
      }
      const evidence: string[] = [];
      for (const bad of ["missing", "disabled", "wrong-spec"] as const) {
        const { keyId } = await prepareBad(stage, bad);
        const refusal = await refusalOf(stage.operator.ack.createCluster(encryptedCluster(stage, keyId)));
        if (refusal === undefined) return failed(`ACK accepted a key that is ${bad}.`, null, ...evidence);
        evidence.push(`A key that is ${bad} is refused with ${refusal}.`);
      }
      const { KeyId: keyId } = await stage.operator.kms.createKey();
      const { KeyState, KeySpec, KeyUsage } = await stage.operator.kms.describe(keyId);
      stage.keyId = keyId;
      return verified(`The key ${keyId} is ${KeyState}, ${KeySpec}, for ${KeyUsage}.`, ...evidence);
    },
  },
];

/** What a new cluster is asked for with: ACK Pro, with the key for its Secrets (spec alibaba-cloud 6). */
export function encryptedCluster(stage: Stage, keyId: string): Readonly<Record<string, string>> {
  return { ...plainCluster(stage, "kmsmark-new"), encryption_provider_key: keyId };
}

export function plainCluster({ parts }: Stage, name: string): Readonly<Record<string, string>> {
  return { name, region_id: parts.cloud.region, cluster_type: "ManagedKubernetes", cluster_spec: "ack.pro.small" };
}

async function prepareBad({ root }: Stage, bad: BadKey): Promise<{ readonly keyId: string; readonly remedy: string }> {
  switch (bad) {
    case "missing":
      return { keyId: "key-hzz0000000000000000", remedy: "Name a key that exists in the cluster's region: the KMS console lists them." };
    case "disabled": {
      const { KeyId: keyId } = await root.kms.createKey({ Description: "Disabled on purpose" });
      await root.kms.change("DisableKey", { KeyId: keyId });
      return { keyId, remedy: "Enable the key in the KMS console, or with EnableKey, or choose another." };
    }
    case "wrong-spec": {
      const wrong = { Description: "Of another specification on purpose", KeySpec: "EC_P256", KeyUsage: "SIGN/VERIFY" };
      const { KeyId: keyId } = await root.kms.createKey(wrong);
      return { keyId, remedy: "Create a key of the specification Aliyun_AES_256 for ENCRYPT/DECRYPT, and choose it." };
    }
  }
}
