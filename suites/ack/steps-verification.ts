import { ackRole } from "../../plugins/emulators/alibaba/ack-rules.ts";
import type { KmsCount } from "./kms-counts.ts";
import type { Stage } from "./stage.ts";
import { failed, type Step, verified } from "./step.ts";
import { isByRole, type TrailRecord } from "./trail.ts";

const part = "Verification";
/** The emulated trail shows an event within seconds; the real one within ten minutes (spec alibaba-cloud 4.1). */
const deadlineMs = 30_000;
/** How long a cluster may take to be gone. */
const deletionMsMax = 60_000;
const names = ["Encrypt", "Decrypt"] as const;

export const verification: readonly Step<Stage>[] = [
  {
    id: "verification/events",
    part,
    title: "ActionTrail shows Encrypt and Decrypt of the role on every key that was chosen",
    says: `In ActionTrail look for the events Encrypt and Decrypt of KMS whose user is ${ackRole.name.toLowerCase()}.`,
    async run(stage) {
      const { operator, parts, usedKeys } = stage;
      const sinceMs = stage.changedMs ?? stage.startedMs;
      const started = parts.clock.monotonicMs();
      const proofsOn = (records: readonly TrailRecord[], keyId: string, name: string) =>
        records.filter((record) => record.name === name && isProof(record, keyId, sinceMs)).length;
      const isProven = (records: readonly TrailRecord[]) =>
        [...usedKeys].every((keyId) => names.every((name) => proofsOn(records, keyId, name) > 0));
      const { records, isEnough } = await operator.trail.until(sinceMs, isProven, {
        deadlineMs,
        onPoll: (found) => parts.progress.detail(`${found.length} events of KMS so far`),
      });
      const evidence = [
        ...[...usedKeys].map(
          (keyId) =>
            `${names.map((name) => `${proofsOn(records, keyId, name)} ${name}`).join(" and ")} of ${ackRole.name} on ${keyId} after the change.`,
        ),
        `Found ${((parts.clock.monotonicMs() - started) / 1000).toFixed(1)} s after the first look.`,
      ];
      return isEnough && usedKeys.size > 0
        ? verified(...evidence)
        : failed("The events did not come within the deadline.", null, ...evidence);
    },
  },
  {
    id: "verification/counts",
    part,
    title: "The events are as many as the calls that the plugins made",
    says: "Every call of KMS is recorded in ActionTrail.",
    async run(stage) {
      const { operator, parts, signal } = stage;
      const { planes, progress, clock } = parts;
      // From here on nothing calls the KMS any more.
      await operator.ack.deleteCluster(stage.clusterId);
      const giveUpMs = clock.monotonicMs() + deletionMsMax;
      while (!planes.isEmpty) {
        if (clock.monotonicMs() > giveUpMs) return failed("The cluster is not gone after a minute.", null);
        await clock.sleep(50, signal);
      }
      const expected = planes.counts();
      const total = sum(expected.map(({ calls }) => calls));
      const ofRole = (records: readonly TrailRecord[]) => records.filter((record) => isByRole(record, ackRole.name));
      const { records } = await operator.trail.until(stage.startedMs - 1000, (found) => ofRole(found).length >= total, {
        deadlineMs,
        onPoll: (found) => progress.detail(`${ofRole(found).length} of ${total} events so far`),
      });
      const seen = ofRole(records);
      const wrong = expected.filter(({ action, calls, refused }) => {
        const events = seen.filter(({ name }) => name === action);
        return events.length !== calls || events.filter(({ errorCode }) => errorCode !== null).length !== refused;
      });
      const other = seen.filter(({ name }) => !expected.some(({ action }) => action === name));
      const { taps, direct } = planes.pluginCounts();
      const [encrypt, decrypt] = names.map((action) => workOf(expected, action));
      const shared = taps.Decrypt + direct.Decrypt - (decrypt ?? 0);
      const evidence = [
        ...expected.map(
          (each) => `${describe(each)} by the plugins, ${seen.filter(({ name }) => name === each.action).length} in the trail.`,
        ),
        `Encrypt: ${taps.Encrypt} at the taps and ${direct.Encrypt} by this run's own checks made ${encrypt ?? 0} at the KMS.`,
        `Decrypt: ${taps.Decrypt} at the taps and ${direct.Decrypt} by this run's own checks made ${decrypt ?? 0} at the KMS; ${shared} asked at the same time for what another one was asking for.`,
      ];
      if (wrong.length > 0 || other.length > 0) return failed("The trail and the plugins do not agree.", null, ...evidence);
      if (encrypt !== taps.Encrypt + direct.Encrypt || shared < 0) {
        return failed("The trail and the taps do not agree.", null, ...evidence);
      }
      return verified(...evidence);
    },
  },
];

/** An answered call of the role on the key after the change. */
function isProof(record: TrailRecord, keyId: string, sinceMs: number): boolean {
  return (
    isByRole(record, ackRole.name) &&
    record.keyId === keyId &&
    record.errorCode === null &&
    record.timeMs >= Math.floor(sinceMs / 1000) * 1000
  );
}

/** Without what the plugins did by themselves. */
function workOf(counts: readonly KmsCount[], wanted: string): number {
  return sum(counts.filter(({ action }) => action === wanted).map(({ calls, probes }) => calls - probes));
}

function describe({ action, calls, refused, probes }: KmsCount): string {
  const facts = [...(refused === 0 ? [] : [`${refused} refused`]), ...(probes === 0 ? [] : [`${probes} by themselves`])];
  return `${calls} ${action}${facts.length === 0 ? "" : ` (${facts.join(", ")})`}`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
