import { annotateAll, readAll } from "./secrets.ts";
import type { Stage } from "./stage.ts";
import { failed, type Step, verified } from "./step.ts";
import { currentKeyId, migrate, writeProbe } from "./steps-clusters.ts";
import { describeStored, inspectStored } from "./stored-secrets.ts";

const part = "Rotation, another key, and turning off";

/** kube-apiserver polls a KMS v2 plugin's Status so often (spec encryption-at-rest 2.5): a rotation reaches new writes within it. */
const statusIntervalMs = 60_000;
/** The poll may have begun just before the rotation, and the call itself takes time. */
const toleranceMs = 5_000;
const probePauseMs = 1_000;

export const rotation: readonly Step<Stage>[] = [
  {
    id: "rotation/rotate",
    part,
    title: "A rotation in the KMS reaches new Secrets",
    says: "After the KMS has rotated the key, new Secrets are encrypted with its new version; those from before stay readable with the old one.",
    async run(stage) {
      const { clock, cloud, progress } = stage.parts;
      const before = await currentKeyId(stage);
      const rotatedMs = clock.monotonicMs();
      await cloud.rotateKey(stage.keyId);
      let keyId: string | undefined;
      let tookMs = 0;
      for (let probe = 1; ; probe++) {
        keyId = await writeProbe(stage, `rotated-${probe}`);
        tookMs = clock.monotonicMs() - rotatedMs;
        if (keyId !== before || tookMs > statusIntervalMs + toleranceMs) break;
        progress.detail(`new Secrets still lie under the version from before`);
        // As a kubelet does; each time it is asked it may look at the plugin's Status (spec encryption-at-rest 2.5).
        await stage.cluster.client.readyz(stage.signal);
        await clock.sleep(probePauseMs, stage.signal);
      }
      const secrets = stage.secretsOf("existing");
      const { read, refusal } = await readAll(stage.cluster.client, secrets, stage.signal);
      const evidence = [
        `Before ${before}; ${(tookMs / 1000).toFixed(1)} s after the rotation a new Secret lies under ${keyId ?? "no key"}.`,
        `${read} of ${secrets.count} Secrets from before can be read${refusal === undefined ? "" : `: ${refusal}`}.`,
      ];
      const isRight = keyId !== undefined && keyId !== before && keyId.startsWith(`${stage.keyId}/`) && read === secrets.count;
      return isRight
        ? verified(...evidence)
        : failed(
            `New Secrets do not follow the rotation within ${statusIntervalMs / 1000} s, or old ones cannot be read.`,
            null,
            ...evidence,
          );
    },
  },
  {
    id: "rotation/re-encrypt",
    part,
    title: "Writing every Secret anew leaves none under the old version",
    says: 'kubectl get secrets --all-namespaces -o json | kubectl annotate --overwrite -f - encryption-key-rotation-time="…"',
    run: (stage) => migrate(stage),
  },
  {
    id: "rotation/new-key",
    part,
    title: "Another key takes over",
    says: "To change the key, choose another one on the cluster's page, and write every Secret anew.",
    async run(stage) {
      const { operator, clusterId } = stage;
      const { KeyId: keyId } = await operator.kms.createKey();
      await stage.pause();
      await operator.ack.updateKms(clusterId, keyId);
      const { states, facts } = await stage.watchUntilRunning(["running"]);
      stage.keyId = keyId;
      stage.usedKeys.add(keyId);
      const outcome = await migrate(stage);
      const evidence = `Cluster ${clusterId}: ${states.join(" → ")}; meta_data names the key ${facts.keyId}.`;
      return facts.keyId === keyId
        ? { ...outcome, evidence: [evidence, ...outcome.evidence] }
        : failed("meta_data does not name the other key.", null, evidence);
    },
  },
  {
    id: "rotation/turn-off",
    part,
    title: "Encryption is turned off, and on again",
    says: "Encryption can be turned off on the cluster's page; Secrets are then written in plaintext, and what is encrypted stays readable.",
    async run(stage) {
      const { operator, clusterId, signal, parts } = stage;
      const secrets = stage.secretsOf("existing");
      await stage.pause();
      await operator.ack.updateKms(clusterId, null);
      const off = await stage.watchUntilRunning(["running"]);
      const { read } = await readAll(stage.cluster.client, secrets, signal);
      const onShare = (done: number, total: number) => parts.progress.share("written anew", done, total);
      await annotateAll(stage.cluster.client, { time: stage.time(), signal, onShare });
      const stored = await inspectStored(stage.cluster, secrets, signal);
      await stage.pause();
      await operator.ack.updateKms(clusterId, stage.keyId);
      const on = await stage.watchUntilRunning(["running"]);
      const outcome = await migrate(stage);
      const evidence = [
        `Off: ${off.states.join(" → ")}, no key in meta_data; ${read} of ${secrets.count} encrypted Secrets can be read.`,
        `Written anew: ${describeStored(stored)}`,
        `On again: ${on.states.join(" → ")}.`,
      ];
      const isRight = off.facts.keyId === undefined && read === secrets.count && stored.plaintext === stored.total;
      return isRight
        ? { ...outcome, evidence: [...evidence, ...outcome.evidence] }
        : failed("Turning off did not go as it should.", null, ...evidence);
    },
  },
];
