import { secretIn, wordsOf } from "../answers.ts";
import { type ApiserverSubject, startKnownServer } from "../apiserver-subject.ts";
import { type Check, Findings, inconclusive } from "../check.ts";
import { boundProviders, createSealed } from "../offline.ts";

const message = "cipher: message authentication failed";

export const check = {
  id: "apiserver/aad-01-bound",
  title: "A value of aesgcm or a KMS that was copied to another key cannot be read there.",
  level: "MUST",
  invariants: ["AAD-01"],
  source: "spec encryption-at-rest 0.3; k8s.io/apiserver pkg/storage/etcd3/store.go, pkg/storage/value/encrypt/aes/aes.go",
  needs: ["configure", "store"],
  remedy: "Guard etcd's write access: whoever has it can give one Secret the value of another.",
  async run(subject) {
    await using stage = await subject.stage();
    const known = await startKnownServer(stage, "kms-v2");
    const { server } = known;
    const findings = new Findings();
    for (const provider of boundProviders) {
      const [from, to] = [`${provider}-from`, `${provider}-to`];
      await server.succeed(server.create(to, "another value"));
      const stored = await createSealed(known, from, provider);
      const own = await server.get(from);
      if (secretIn(own) === undefined) {
        // Nor can it be judged further once it is known to be wrong.
        return findings.hasFailed
          ? findings.outcome()
          : inconclusive(`A value that was sealed for its own key was not read: ${wordsOf(own)}`);
      }
      await server.store.put(server.keyOf(to), stored, server.signal);
      const answer = await server.get(to);
      findings.add(answer.status === 500 && answer.failure?.includes(message) === true, {
        sent: `GET of a Secret whose key got a copy of another's value, by ${provider}`,
        received: wordsOf(answer),
        expected: `HTTP 500 with: ${message}`,
      });
    }
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
