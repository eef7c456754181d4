import { startWithKms } from "../apiserver-kms.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { Punctuality } from "../punctuality.ts";
import { failStatus } from "../write-expiry.ts";

const healthyMs = 60_000;
const failingMs = 10_000;
/** Neither the timers of the API server nor the way to the plugin are faster or slower than this on a machine that keeps time. */
const slackMs = 3000;
const failures = 3;

export const check = {
  id: "apiserver/k2-07-poll-period",
  title: "With KMS v2 an API server asks for Status every 60 s, and every 10 s while that fails.",
  level: "MUST",
  invariants: ["K2-07"],
  source: "spec encryption-at-rest 2.5; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go",
  needs: ["configure", "restart", "clock"],
  waitMsMax: 240_000,
  remedy: "Measure how soon this API server notices a rotation or an outage before you rely on it.",
  async run(subject) {
    await using stage = await subject.stage();
    const started = await startWithKms(stage, "v2");
    const { kms } = started;
    using punctuality = new Punctuality(stage.clock);
    const { mark } = kms;
    const statuses = () => kms.since(mark, "Status");
    const findings = new Findings();
    // The health checks of the start ask, too, so that the first tick may find their result instead of asking.
    const untilCalls = (count: number, withinMs: number) =>
      stage.until(async () => statuses().length >= count, { withinMs: withinMs + slackMs, everyMs: 100 });
    await untilCalls(1, 2 * healthyMs);
    const isPolled = await untilCalls(2, healthyMs);
    failStatus(started);
    const isFailing = isPolled && (await untilCalls(2 + failures, healthyMs + (failures - 1) * failingMs));

    const times = statuses().map(({ atMs }) => atMs);
    const gaps = times.slice(1).map((ms, index) => ms - (times[index] ?? 0));
    for (const [what, isSeen, between, periodMs] of [
      ["while the plugin is well, and until it is asked for the first time after that", isFailing, gaps.slice(0, 2), healthyMs],
      ["while the plugin fails", isFailing, gaps.slice(2), failingMs],
    ] as const) {
      findings.add(isSeen && between.every((ms) => Math.abs(ms - periodMs) <= slackMs), {
        sent: `nothing, ${what}`,
        received: `Status after ${between.map((ms) => `${(ms / 1000).toFixed(1)} s`).join(", ") || "(never)"}`,
        expected: `Status every ${periodMs / 1000} s`,
      });
    }
    return punctuality.judge(findings.outcome());
  },
} satisfies Check<ApiserverSubject>;
