import { randomUUID } from "node:crypto";
import { encodeSecret } from "../../../harness/envelope/index.ts";
import { wordsOf } from "../answers.ts";
import { type Check, Findings, inconclusive } from "../check.ts";
import type { SampleSecret, SecuritySubject } from "../security-subject.ts";

export const check = {
  id: "security/plain-text-refused",
  title: "A Secret that somebody put into etcd in plain text is not served.",
  level: "MUST",
  invariants: ["FR-06"],
  source: "spec encryption-at-rest 0.4; k8s.io/apiserver pkg/storage/value/transformer.go",
  needs: ["store"],
  remedy:
    "Remove identity from the providers of Secrets once every Secret is encrypted: with it the API server takes plain text for its own.",
  async run(subject) {
    const findings = new Findings();
    const [kind] = subject.kinds;
    const [secret] = kind === undefined ? [] : await subject.samples(kind);
    if (secret === undefined) return inconclusive("There is no Secret to put another in the place of.");
    const answer = await subject.readWith(secret, plainText(secret));
    findings.add(answer.status === 500, {
      sent: "GET of a Secret in whose place one in plain text was put into etcd",
      received: wordsOf(answer),
      expected: "HTTP 500",
    });
    return findings.outcome();
  },
} satisfies Check<SecuritySubject>;

function plainText({ namespace, name }: SampleSecret): Uint8Array {
  const metadata = { namespace, name, uid: randomUUID(), labels: new Map(), annotations: new Map() };
  return encodeSecret({ metadata, type: "Opaque", data: new Map([["value", Buffer.from("planted")]]) });
}
