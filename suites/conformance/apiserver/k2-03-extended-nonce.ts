import { createDecipheriv, createHmac } from "node:crypto";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings, notApplicable } from "../check.ts";
import { isBefore } from "../kubernetes-version.ts";

const [infoBytes, nonceBytes, tagBytes] = [32, 12, 16];
const value = "a value to be found again";

export const check = {
  id: "apiserver/k2-03-extended-nonce",
  title:
    "With KMS v2 the data is info, nonce, ciphertext and tag of AES-256-GCM under HMAC-SHA256(seed, info ‖ 01), bound to the key of etcd.",
  level: "MUST",
  invariants: ["K2-03"],
  source: "spec encryption-at-rest 2.3; k8s.io/apiserver pkg/storage/value/encrypt/aes/aes_extended_nonce.go",
  needs: ["configure", "store"],
  remedy: "Do not trust that another API server can read what this one stores.",
  async run(subject) {
    if (isBefore(subject.kubernetesVersion, { minor: 29 })) return notApplicable("Before Kubernetes 1.29 the DEK itself encrypts.");
    await using stage = await subject.shared("kms-v2");
    const { kms, server } = stage;
    await server.succeed(server.create("one", value));
    const stored = (await server.stored("one")).value;
    const findings = new Findings();
    if (stored.kind !== "kms-v2") {
      findings.add(false, { sent: "a Secret", received: `a value of ${stored.kind}`, expected: "a value of kms-v2" });
      return findings.outcome();
    }
    const { encryptedData, encryptedDekSource } = stored.object;
    const seed = kms.open(encryptedDekSource);
    for (const [whose, key, opens] of [
      ["its own key of etcd", server.keyOf("one"), true],
      ["another key", server.keyOf("other"), false],
    ] as const) {
      const plaintext = open(seed, encryptedData, key);
      const isFound = plaintext?.includes(value) === true;
      const overhead = infoBytes + nonceBytes + tagBytes;
      findings.add(isFound === opens, {
        sent: `a Secret whose ${encryptedData.length} bytes of data are opened so, offline, with ${whose}`,
        received:
          plaintext === undefined
            ? "they do not open"
            : `they open to ${plaintext.length} bytes, the value ${isFound ? "" : "not "}among them`,
        expected: opens ? `${encryptedData.length - overhead} bytes, the value among them` : "they do not open",
      });
    }
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;

/** By the letter of the source, not by the codec that other checks use; undefined where it does not open. */
function open(seed: Uint8Array, data: Uint8Array, key: string): Buffer | undefined {
  const info = data.subarray(0, infoBytes);
  const derived = createHmac("sha256", seed).update(info).update(Uint8Array.of(1)).digest();
  const nonce = data.subarray(infoBytes, infoBytes + nonceBytes);
  const decipher = createDecipheriv("aes-256-gcm", derived, nonce).setAAD(Buffer.from(key)).setAuthTag(data.subarray(-tagBytes));
  try {
    return Buffer.concat([decipher.update(data.subarray(infoBytes + nonceBytes, -tagBytes)), decipher.final()]);
  } catch {
    return undefined;
  }
}
