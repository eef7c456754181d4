import { secretIn, wordsOf } from "../answers.ts";
import { type ApiserverSubject, encryptingProviders } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { reseal } from "../offline.ts";

const value = "a value behind identity";

export const check = {
  id: "apiserver/fr-07-identity-first",
  title: "identity in front of the others does not read encrypted values: the providers behind it do.",
  level: "MUST",
  invariants: ["FR-07"],
  source: "spec encryption-at-rest 0.4, 3; k8s.io/apiserver pkg/storage/value/encrypt/identity/identity.go",
  needs: ["configure", "store"],
  remedy: "Do not put identity first in order to decrypt: what is encrypted cannot be read behind it on this API server.",
  async run(subject) {
    const findings = new Findings();
    await using stage = await subject.shared("identity");
    const { server } = stage;
    for (const provider of encryptingProviders) {
      const name = `by-${provider}`;
      await server.succeed(server.create(name, value));
      await reseal(stage, name, provider);
      const answer = await server.get(name);
      findings.add(secretIn(answer)?.value === value, {
        sent: `GET of a Secret that ${provider} stored, with identity as the first provider`,
        received: wordsOf(answer),
        expected: "HTTP 200 with the value that was written",
      });
    }
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
