import { decodeSecret, EnvelopeError } from "../../../harness/envelope/index.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { openOffline } from "../offline.ts";

const nonceBytes = 12;
const tagBytes = 16;
const writes = 20;

export const check = {
  id: "apiserver/lp-02-aesgcm",
  title: "aesgcm stores a nonce of 12 bytes, the ciphertext and a tag of 16, and never writes with one nonce twice.",
  level: "MUST",
  invariants: ["LP-02"],
  source: "spec encryption-at-rest 3; k8s.io/apiserver pkg/storage/value/encrypt/aes/aes.go",
  needs: ["configure", "store"],
  remedy: "Change the key at once: two writes under one nonce give both plaintexts away.",
  async run(subject) {
    const findings = new Findings();
    const nonces = new Set<string>();
    await using stage = await subject.shared("aesgcm");
    const { server } = stage;
    await server.succeed(server.create("written", "value 1"));
    for (let write = 0; write < writes; write++) {
      await server.succeed(server.update("written", `value ${write % 2}`));
      const { value } = await server.stored("written");
      if (value.kind !== "aesgcm") throw new Error(`aesgcm is first, and ${value.kind} stored.`);
      nonces.add(Buffer.from(value.body.subarray(0, nonceBytes)).toString("hex"));
    }
    const { value } = await server.stored("written");
    const opened = openedLength(() => openOffline(stage, value, server.keyOf("written")));
    const body = value.kind === "aesgcm" ? value.body.length : 0;
    findings.add(opened !== undefined && body === nonceBytes + opened + tagBytes, {
      sent: "a Secret, decrypted without the API server",
      received: opened === undefined ? `${body} bytes that do not decrypt` : `${body} bytes of body for ${opened} of plaintext`,
      expected: `${nonceBytes} of nonce, the plaintext's, and ${tagBytes} of tag`,
    });
    findings.add(nonces.size === writes, {
      sent: `${writes} updates of one Secret, to and fro between two values`,
      received: `${nonces.size} different nonces`,
      expected: `${writes}`,
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;

function openedLength(open: () => Uint8Array): number | undefined {
  try {
    const plaintext = open();
    return decodeSecret(plaintext).data.has("value") ? plaintext.length : undefined;
  } catch (thrown) {
    if (thrown instanceof EnvelopeError) return undefined;
    throw thrown;
  }
}
