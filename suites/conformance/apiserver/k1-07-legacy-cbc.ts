import { randomBytes } from "node:crypto";
import { buildStoredValue, sealAesCbc } from "../../../harness/envelope/index.ts";
import { secretIn, wordsOf } from "../answers.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { openOffline } from "../offline.ts";
import { rewriteFindings } from "../rewrite.ts";

export const check = {
  id: "apiserver/k1-07-legacy-cbc",
  title: "With KMS v1, what Kubernetes 1.24 and older wrote in CBC is read, and written anew by an update that changes nothing.",
  level: "MUST",
  invariants: ["K1-07"],
  source: "spec encryption-at-rest 1.2, 1.6; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go",
  needs: ["configure", "store"],
  remedy: "Replace every Secret by itself with an older API server before you go to this one.",
  async run(subject) {
    await using stage = await subject.shared("kms-v1");
    const { kms, names, server } = stage;
    await server.succeed(server.create("legacy", "a value of old"));
    const key = server.keyOf("legacy");
    const plaintext = openOffline(stage, (await server.stored("legacy")).value, key);
    const dek = randomBytes(32);
    const payload = sealAesCbc(dek, { plaintext, random: (length) => Uint8Array.from(randomBytes(length)) });
    const legacy = buildStoredValue({ kind: "kms-v1", providerName: names["kms-v1"], edek: kms.seal(dek), payload });
    await server.store.put(key, legacy, server.signal);

    const findings = new Findings();
    const answer = await server.get("legacy");
    const isSame = secretIn(answer)?.value === "a value of old";
    findings.add(isSame, {
      sent: "GET of a Secret whose payload is AES-256-CBC",
      received: isSame ? "HTTP 200 with its value" : `${wordsOf(answer)} without its value`,
      expected: "HTTP 200 with its value",
    });
    if (answer.failure !== undefined) {
      // Left as it was found.
      await server.store.delete(key, server.signal);
      return findings.outcome();
    }
    await rewriteFindings(findings, server, { name: "legacy", before: "KMS v1 in CBC", after: "kms-v1" });
    const { value } = await server.stored("legacy");
    const isBlocks = value.kind === "kms-v1" && value.payload.length === payload.length;
    findings.add(!isBlocks && openOffline(stage, value, key).length === plaintext.length, {
      sent: "the PUT",
      received: isBlocks ? "a payload as long as before" : "a payload of another length that opens",
      expected: "a payload of AES-GCM",
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
