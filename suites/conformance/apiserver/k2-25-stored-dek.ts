import { randomBytes } from "node:crypto";
import { buildStoredValue, dekSourceTypes, sealKmsV2 } from "../../../harness/envelope/index.ts";
import { secretIn, wordsOf } from "../answers.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings, notApplicable } from "../check.ts";
import { isBefore } from "../kubernetes-version.ts";
import { openOffline } from "../offline.ts";
import { rewriteFindings } from "../rewrite.ts";

export const check = {
  id: "apiserver/k2-25-stored-dek",
  title:
    "With KMS v2, what Kubernetes 1.28 and older wrote under a DEK is read, and written anew under a seed by an update that changes nothing.",
  level: "MUST",
  invariants: ["K2-25"],
  source: "spec encryption-at-rest 2.3, 2.7; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/envelope.go",
  needs: ["configure", "store"],
  remedy: "Replace every Secret by itself with an older API server before you go to this one.",
  async run(subject) {
    if (isBefore(subject.kubernetesVersion, { minor: 29 })) return notApplicable("Before Kubernetes 1.29 this is what is written.");
    await using stage = await subject.shared("kms-v2");
    const { kms, names, server } = stage;
    await server.succeed(server.create("legacy", "a value of old"));
    const key = server.keyOf("legacy");
    const plaintext = openOffline(stage, (await server.stored("legacy")).value, key);
    const dek = randomBytes(32);
    const object = sealKmsV2(
      {
        ...{ dek, encryptedDekSource: kms.seal(dek), keyId: kms.keyId, annotations: kms.annotations },
        encryptedDekSourceType: dekSourceTypes.aesGcmKey,
      },
      { plaintext, aad: Buffer.from(key), random: (length) => Uint8Array.from(randomBytes(length)) },
    );
    await server.store.put(key, buildStoredValue({ kind: "kms-v2", providerName: names["kms-v2"], object }), server.signal);

    const findings = new Findings();
    const answer = await server.get("legacy");
    const isSame = secretIn(answer)?.value === "a value of old";
    findings.add(isSame, {
      sent: "GET of a Secret whose encryptedDEKSourceType is 0",
      received: isSame ? "HTTP 200 with its value" : `${wordsOf(answer)} without its value`,
      expected: "HTTP 200 with its value",
    });
    if (answer.failure !== undefined) {
      // Left as it was found.
      await server.store.delete(key, server.signal);
      return findings.outcome();
    }
    await rewriteFindings(findings, server, { name: "legacy", before: "kms-v2 under a DEK", after: "kms-v2" });
    const { value } = await server.stored("legacy");
    const type = value.kind === "kms-v2" ? value.object.encryptedDekSourceType : undefined;
    findings.add(type === dekSourceTypes.hkdfSha256XnonceAesGcmSeed, {
      sent: "the PUT",
      received: `encryptedDEKSourceType ${type}`,
      expected: `encryptedDEKSourceType ${dekSourceTypes.hkdfSha256XnonceAesGcmSeed}`,
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
