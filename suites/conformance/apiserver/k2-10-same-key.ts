import { goodResultMs, startWithKms } from "../apiserver-kms.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings, inconclusive } from "../check.ts";

const writes = 200;
const polls = 2;
const slackMs = 15_000;

export const check = {
  id: "apiserver/k2-10-same-key",
  title: "With KMS v2 the same key_id makes no further Encrypt, however often Status names it and however much is written.",
  level: "MUST",
  invariants: ["K2-10"],
  source: "spec encryption-at-rest 2.5; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go",
  needs: ["configure", "restart", "clock"],
  remedy: "Measure the calls of this API server before you plan a quota for it.",
  async run(subject) {
    await using stage = await subject.stage();
    const { kms, server, healthPath } = await startWithKms(stage, "v2");
    const { mark } = kms;
    await server.succeed(server.create("one", "value 0"));
    const isPolled = await stage.until(
      async () => {
        await server.health(healthPath);
        return kms.since(mark, "Status").length >= polls;
      },
      { withinMs: polls * goodResultMs + slackMs, everyMs: 1000 },
    );
    if (!isPolled) return inconclusive("The API server did not ask for the plugin's Status again.");
    for (let write = 1; write < writes; write++) await server.succeed(server.update("one", `value ${write}`));
    const encrypts = kms.since(mark, "Encrypt").length;
    const findings = new Findings();
    findings.add(encrypts === 0, {
      sent: `${kms.since(mark, "Status").length} Status with the same key_id, and ${writes} writes`,
      received: `${encrypts} Encrypt`,
      expected: "no Encrypt after that of the start",
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
