import { wordsOf } from "../answers.ts";
import { addHealth, startWithKms } from "../apiserver-kms.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { lastStatusMs, writeTtlMs } from "../write-expiry.ts";

const healthz = "out of order";
/** Longer than writes would go on for if a Status that is not ok counted for nothing. */
const sickMs = writeTtlMs + 15_000;
const everyMs = 5000;

export const check = {
  id: "apiserver/k2-14-sick-writes",
  title:
    "With KMS v2, as of v1.37.2, a plugin whose Status says another healthz than ok makes the API server unhealthy, but writes go on for ever.",
  level: "SHOULD",
  invariants: ["K2-14"],
  source:
    "spec encryption-at-rest 2.5, 10; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go; kubernetes/kubernetes#138950, open: this may change",
  needs: ["configure", "restart", "clock"],
  waitMsMax: 230_000,
  remedy: "A later Kubernetes may have changed this: look at the issue before you rely on writes during an outage, or on their end.",
  async run(subject) {
    await using stage = await subject.stage();
    const started = await startWithKms(stage, "v2");
    const { kms, server } = started;
    const lastGoodMs = lastStatusMs(started);
    kms.script = { status: (honest) => ({ ...honest, healthz }) };
    const findings = new Findings();
    const says = `got unexpected healthz status: ${healthz}`;
    await addHealth(findings, stage, started, { sent: `a Status with healthz "${healthz}" and the key_id as before`, says });
    let [writes, words] = [0, ""];
    // Ends at a refusal, or with the time.
    const isRefused = await stage.until(
      async () => {
        const answer = await server.create(`sick-${++writes}`, "a value");
        words = wordsOf(answer);
        return answer.failure !== undefined;
      },
      { withinMs: lastGoodMs + sickMs - stage.clock.monotonicMs(), everyMs },
    );
    const sinceMs = stage.clock.monotonicMs() - lastGoodMs;
    findings.add(!isRefused, {
      sent: `a POST every ${everyMs / 1000} s, until ${(sinceMs / 1000).toFixed(0)} s after the last healthz that was ok`,
      received: `${words} for the last of ${writes}`,
      expected: "HTTP 201 for all of them",
    });
    await addHealth(findings, stage, started, { sent: "the same Status at the end", says });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
