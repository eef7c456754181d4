import { EnvelopeError, openSecretbox } from "../../../harness/envelope/index.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";

const nonceBytes = 24;
const tagBytes = 16;

export const check = {
  id: "apiserver/lp-03-secretbox",
  title: "secretbox stores a nonce of 24 bytes, then the tag, then the ciphertext.",
  level: "MUST",
  invariants: ["LP-03"],
  source: "spec encryption-at-rest 3; k8s.io/apiserver pkg/storage/value/encrypt/secretbox/secretbox.go",
  needs: ["configure", "store"],
  remedy: "Values of this form are read by no kube-apiserver: write them anew with another provider.",
  async run(subject) {
    const findings = new Findings();
    await using stage = await subject.shared("secretbox");
    const { server, localKeys } = stage;
    await server.succeed(server.create("boxed", "a value"));
    const { value } = await server.stored("boxed");
    if (value.kind !== "secretbox") throw new Error(`secretbox is first, and ${value.kind} stored.`);
    const { body } = value;
    const plaintextBytes = openedBytes(localKeys.secretbox.secret, body);
    findings.add(plaintextBytes === body.length - nonceBytes - tagBytes, {
      sent: "decryption of a Secret without the API server, as NaCl's secretbox",
      received: plaintextBytes === undefined ? "it does not open" : `${plaintextBytes} bytes of plaintext in ${body.length} of body`,
      expected: `it opens; the body is ${nonceBytes} bytes of nonce, ${tagBytes} of tag and the plaintext's`,
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;

function openedBytes(key: Uint8Array, body: Uint8Array): number | undefined {
  try {
    return openSecretbox(key, body).plaintext.length;
  } catch (thrown) {
    if (thrown instanceof EnvelopeError) return undefined;
    throw thrown;
  }
}
