import { secretIn, wordsOf } from "../answers.ts";
import { startWithKms } from "../apiserver-kms.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings, inconclusive } from "../check.ts";
import { addUntouched } from "../untouched.ts";
import { failStatus, writeUntilRefused } from "../write-expiry.ts";

export const check = {
  id: "apiserver/k2-13-expired-reads",
  title: "With KMS v2, reads and updates that change nothing succeed even when writes fail because Status does.",
  level: "MUST",
  invariants: ["K2-13"],
  source: "spec encryption-at-rest 2.5; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/envelope.go",
  needs: ["configure", "restart", "store", "clock"],
  waitMsMax: 220_000,
  remedy: "Count on an outage of reads, too, when the plugin of this API server fails.",
  async run(subject) {
    await using stage = await subject.stage();
    const started = await startWithKms(stage, "v2");
    const { server } = started;
    await server.succeed(server.create("before", "a value"));
    const confirmedMs = failStatus(started);
    const writes = await writeUntilRefused(stage, server, confirmedMs);
    const refusal = writes.at(-1)?.refusal;
    if (refusal === undefined) return inconclusive("Writes went on for longer than 180 s, which k2-12-write-expiry judges.");
    const findings = new Findings();
    for (const [sent, answer] of [
      ["GET of a Secret", await server.get("before")],
      ["LIST", await server.list()],
    ] as const) {
      findings.add(answer.failure === undefined, {
        sent: `${sent} after POST: ${refusal}`,
        received: wordsOf(answer),
        expected: "HTTP 200",
      });
    }
    await addUntouched(findings, server, "before", "a Secret, at the same time");
    const changing = await server.update("before", "another value");
    findings.add(secretIn(changing) === undefined && changing.status === 500, {
      sent: "a PUT that changes it, at the same time",
      received: wordsOf(changing),
      expected: "HTTP 500, as for POST",
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
