import { hexOf, startWithKms } from "../apiserver-kms.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { Punctuality } from "../punctuality.ts";
import { rewriteFindings } from "../rewrite.ts";

/** A poll, without any request for health that might come before it. */
const noticeMsMax = 60_000;
const slackMs = 5000;
/** Between the plugin's answer and its first use. */
const swapMs = { withinMs: 10_000, everyMs: 200 };

export const check = {
  id: "apiserver/k2-09-rotation",
  title: "With KMS v2 another key_id is noticed within 60 s and makes one Encrypt and a new seed, and what was written before is stale.",
  level: "MUST",
  invariants: ["K2-09"],
  source: "spec encryption-at-rest 2.5, 2.7; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go",
  needs: ["configure", "restart", "store", "clock"],
  remedy: "Rotate by a restart, and look into etcd before you retire a key that this API server used.",
  async run(subject) {
    await using stage = await subject.stage();
    const { kms, server } = await startWithKms(stage, "v2");
    await server.succeed(server.create("before", "a value from before the rotation"));
    const { value: before } = await server.stored("before");
    using punctuality = new Punctuality(stage.clock);
    const { mark } = kms;
    const changedMs = stage.clock.monotonicMs();
    kms.keyId = "key-2";
    const isNoticed = await stage.until(async () => kms.since(mark, "Encrypt").length > 0, {
      withinMs: noticeMsMax + slackMs,
      everyMs: 100,
    });
    const noticedMs = (kms.since(mark, "Encrypt")[0]?.atMs ?? stage.clock.monotonicMs()) - changedMs;
    const findings = new Findings();
    findings.add(isNoticed, {
      sent: "a Status with another key_id",
      received: `${isNoticed ? "Encrypt" : "no Encrypt"} after ${(noticedMs / 1000).toFixed(1)} s`,
      expected: `Encrypt within ${noticeMsMax / 1000} s`,
    });
    if (!isNoticed) return punctuality.judge(findings.outcome());

    let writes = 0;
    const inUse = await stage.until(async () => {
      await server.succeed(server.create(`after-${++writes}`, "a value from after the rotation"));
      const { value } = await server.stored(`after-${writes}`);
      return value.kind === "kms-v2" && value.object.keyId === kms.keyId;
    }, swapMs);
    const { value: after } = await server.stored(`after-${writes}`);
    const [old, now] = [before, after].map((value) => (value.kind === "kms-v2" ? hexOf(value.object.encryptedDekSource) : ""));
    const isGiven = now === hexOf(kms.since(mark, "Encrypt")[0]?.ciphertext);
    findings.add(inUse && now !== old && isGiven, {
      sent: "a new Secret",
      received: `stored under ${inUse ? "the new" : "another"} key_id, with ${isGiven ? "the plugin's new" : now === old ? "the old" : "another"} encrypted seed`,
      expected: "stored under the new key_id, with the plugin's new encrypted seed",
    });
    await rewriteFindings(findings, server, { name: "before", before: "kms-v2 under the old key_id", after: "kms-v2" });
    const { value: rewritten } = await server.stored("before");
    const isNew = rewritten.kind === "kms-v2" && rewritten.object.keyId === kms.keyId;
    findings.add(isNew, {
      sent: "the PUT",
      received: `stored under ${isNew ? "the new" : "another"} key_id`,
      expected: "stored under the new key_id",
    });
    const encrypts = kms.since(mark, "Encrypt").length;
    findings.add(encrypts === 1, { sent: "all of this", received: `${encrypts} Encrypt`, expected: "1 Encrypt" });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
