import { wordsOf } from "../answers.ts";
import { startWithKms } from "../apiserver-kms.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { Punctuality } from "../punctuality.ts";
import { addExpiry, failStatus, writeUntilRefused } from "../write-expiry.ts";

/** A poll every 10 s, and something for a machine that has other things to do. */
const healMs = { withinMs: 25_000, everyMs: 500 };

export const check = {
  id: "apiserver/k2-12-write-expiry",
  title: "With KMS v2 writes go on for 180 s after the last Status that succeeded, then fail until one succeeds again.",
  level: "MUST",
  invariants: ["K2-12"],
  source: "spec encryption-at-rest 2.5; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go",
  needs: ["configure", "restart", "clock"],
  waitMsMax: 250_000,
  remedy: "Measure how long this API server writes without its plugin before you rely on it.",
  async run(subject) {
    await using stage = await subject.stage();
    const started = await startWithKms(stage, "v2");
    const { kms, server } = started;
    using punctuality = new Punctuality(stage.clock);
    const confirmedMs = failStatus(started);
    const findings = new Findings();
    const writes = await writeUntilRefused(stage, server, confirmedMs);
    addExpiry(findings, writes, { confirmedMs, keyId: kms.keyId, sent: "while every Status fails" });
    kms.script = {};
    const healedMs = stage.clock.monotonicMs();
    let [attempts, words] = [0, ""];
    const isHealed = await stage.until(async () => {
      const answer = await server.create(`healed-${++attempts}`, "a value");
      words = wordsOf(answer);
      return answer.failure === undefined;
    }, healMs);
    findings.add(isHealed, {
      sent: "POST, with a plugin whose Status succeeds again",
      received: `${words} after ${((stage.clock.monotonicMs() - healedMs) / 1000).toFixed(1)} s`,
      expected: "HTTP 201 after 10 s at most, without a restart",
    });
    return punctuality.judge(findings.outcome());
  },
} satisfies Check<ApiserverSubject>;
