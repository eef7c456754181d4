import { wordsOf } from "../answers.ts";
import { addHealth, hexOf, startWithKms } from "../apiserver-kms.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { Punctuality } from "../punctuality.ts";
import { addExpiry, lastStatusMs, writeUntilRefused } from "../write-expiry.ts";

export const check = {
  id: "apiserver/k2-11-key-mismatch",
  title: "With KMS v2 an Encrypt under another key_id than Status names is not used: the old seed stays for 180 s, and then writes end.",
  level: "MUST",
  invariants: ["K2-11"],
  source: "spec encryption-at-rest 2.5; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go",
  needs: ["configure", "restart", "store", "clock"],
  waitMsMax: 190_000,
  remedy: "Let the plugin name in Status exactly the key that its next Encrypt uses.",
  async run(subject) {
    await using stage = await subject.stage();
    const started = await startWithKms(stage, "v2");
    const { kms, server } = started;
    const { keyId } = kms;
    await server.succeed(server.create("before", "a value"));
    const { value: before } = await server.stored("before");
    using punctuality = new Punctuality(stage.clock);
    const confirmedMs = lastStatusMs(started);
    kms.keyId = "key-2";
    kms.script = { encrypt: (honest) => ({ ...honest, keyId: "key-3" }) };

    const findings = new Findings();
    await addHealth(findings, stage, started, {
      sent: "a Status with another key_id, and an Encrypt with a third",
      says: "failed to rotate DEK",
    });
    const created = await server.create("after", "a value");
    const after = created.failure === undefined ? (await server.stored("after")).value : undefined;
    const isOld =
      before.kind === "kms-v2" &&
      after?.kind === "kms-v2" &&
      after.object.keyId === keyId &&
      hexOf(after.object.encryptedDekSource) === hexOf(before.object.encryptedDekSource);
    findings.add(isOld, {
      sent: "POST after that",
      received: `${wordsOf(created)}${isOld ? ", stored with the old key_id and encrypted seed" : ""}`,
      expected: "HTTP 201, stored with the old key_id and encrypted seed",
    });
    const writes = await writeUntilRefused(stage, server, confirmedMs);
    addExpiry(findings, writes, { confirmedMs, keyId, sent: "while no rotation succeeds" });
    return punctuality.judge(findings.outcome());
  },
} satisfies Check<ApiserverSubject>;
