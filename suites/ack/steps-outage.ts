import { randomBytes, randomUUID } from "node:crypto";
import { messageOf } from "../../harness/errors.ts";
import { KmsCallError } from "../../harness/kms/contract.ts";
import { refusalOf } from "./refusals.ts";
import { readAll } from "./secrets.ts";
import type { Stage } from "./stage.ts";
import { failed, type Step, verified } from "./step.ts";

const part = "The key is taken away";

const pollMs = 250;
/** By then an API server has asked its plugin more than once. */
const outageMsMax = 30_000;

export const outage: readonly Step<Stage>[] = [
  {
    id: "outage/disabled",
    part,
    title: "With the key disabled the API server does not come back; with it enabled it does",
    says: "If the key is disabled or deleted, the API server cannot read Secrets and ServiceAccounts, and the cluster is down.",
    async run(stage) {
      const { operator, keyId, signal, cluster, parts } = stage;
      const { clock, progress } = parts;
      const secrets = stage.secretsOf("existing");
      await operator.kms.change("DisableKey", { KeyId: keyId });
      const plugin = await pluginFault(stage);
      const cached = await readAll(cluster.client, secrets, signal);

      await cluster.plane.stopApiServer();
      let isUp = false;
      const starting = cluster.plane.startApiServer().then(() => {
        isUp = true;
      });
      // Told below; until then nobody waits for it.
      starting.catch(() => {});
      let symptom: string | undefined;
      const giveUpMs = clock.monotonicMs() + outageMsMax;
      const first = secrets.at(0);
      while (symptom === undefined && !isUp && clock.monotonicMs() < giveUpMs) {
        progress.detail("the API server starts with the key disabled");
        await clock.sleep(pollMs, signal);
        // Before it listens there is no answer.
        const answer = await cluster.client.getSecret(first.namespace, first.name, signal).catch(() => undefined);
        if (answer?.failure !== undefined && answer.status >= 429) symptom = `HTTP ${answer.status}, ${answer.failure}`;
      }
      const ready = await cluster.client.readyz(signal).catch(() => undefined);
      const wasUp = isUp;
      await operator.kms.change("EnableKey", { KeyId: keyId });
      const enabledMs = clock.monotonicMs();
      await starting;
      const recoveryMs = clock.monotonicMs() - enabledMs;
      const { read } = await readAll(cluster.client, secrets, signal);
      const evidence = [
        `Key disabled: the plugin says "${plugin ?? "nothing"}". An API server that runs still reads ${cached.read} of ${secrets.count} Secrets with the keys it has in memory.`,
        `Started anew with the key disabled: a Secret is answered with ${symptom ?? "no refusal"}; /readyz with ${ready?.status ?? "no answer"}.`,
        `Key enabled: ready after ${(recoveryMs / 1000).toFixed(1)} s, and ${read} of ${secrets.count} Secrets can be read.`,
      ];
      const isRight = plugin !== undefined && symptom !== undefined && !wasUp && read === secrets.count;
      return isRight ? verified(...evidence) : failed("The outage was not seen, or it did not end.", null, ...evidence);
    },
  },
  {
    id: "outage/deletion",
    part,
    title: "The key is protected from deletion; scheduled all the same it stops, until that is cancelled",
    says: "Do not delete or disable a key that is in use; a key that waits for its deletion can be recovered until its day.",
    async run(stage) {
      const { operator, keyId } = stage;
      const { Arn } = await operator.kms.describe(keyId);
      const schedule = { KeyId: keyId, PendingWindowInDays: "7" };
      const whileProtected = await refusalOf(operator.kms.change("ScheduleKeyDeletion", schedule));
      await operator.kms.change("SetDeletionProtection", { ProtectedResourceArn: Arn, EnableDeletionProtection: "false" });
      await operator.kms.change("ScheduleKeyDeletion", schedule);
      const waiting = await operator.kms.describe(keyId);
      const plugin = await pluginFault(stage);
      await operator.kms.change("CancelKeyDeletion", { KeyId: keyId });
      const back = await operator.kms.describe(keyId);
      const after = await pluginFault(stage);
      await operator.kms.change("SetDeletionProtection", { ProtectedResourceArn: Arn, EnableDeletionProtection: "true" });
      const evidence = [
        `While the key is protected ScheduleKeyDeletion is refused with ${whileProtected ?? "nothing"}.`,
        `Without the protection it is ${waiting.KeyState}: the plugin says "${plugin ?? "nothing"}".`,
        `Cancelled it is ${back.KeyState}, and the plugin ${after === undefined ? "encrypts again" : `still says "${after}"`}; the protection is back.`,
      ];
      const isRight = whileProtected !== undefined && waiting.KeyState === "PendingDeletion" && plugin !== undefined && after === undefined;
      return isRight ? verified(...evidence) : failed("The key does not behave as the page says.", null, ...evidence);
    },
  },
];

/** What the plugin says to an Encrypt; undefined where it encrypts. */
async function pluginFault({ cluster, signal }: Stage): Promise<string | undefined> {
  const [first] = cluster.links;
  if (first === undefined) return "There is no plugin.";
  try {
    await first.direct.encrypt({ plaintext: randomBytes(32), uid: randomUUID() }, { signal });
    return undefined;
  } catch (thrown) {
    if (!(thrown instanceof KmsCallError)) throw thrown;
    return messageOf(thrown);
  }
}
