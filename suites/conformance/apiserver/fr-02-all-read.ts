import { secretIn, wordsOf } from "../answers.ts";
import { type ApiserverSubject, sharedProviders } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { reseal } from "../offline.ts";

const value = "a value that every provider once stored";

export const check = {
  id: "apiserver/fr-02-all-read",
  title: "What any provider of the configuration stored can be read, whichever provider is first.",
  level: "MUST",
  invariants: ["FR-02"],
  source: "spec encryption-at-rest 0.4; k8s.io/apiserver pkg/storage/value/transformer.go",
  needs: ["configure", "store"],
  remedy: "Keep every provider that stored something in the list behind the first one until all of it was written anew.",
  async run(subject) {
    const findings = new Findings();
    await using stage = await subject.shared("kms-v2");
    const { server } = stage;
    for (const provider of sharedProviders) {
      await server.succeed(server.create(`by-${provider}`, value));
      if (provider !== "kms-v2") await reseal(stage, `by-${provider}`, provider);
      const { kind } = (await server.stored(`by-${provider}`)).value;
      const answer = await server.get(`by-${provider}`);
      findings.add(kind === provider && secretIn(answer)?.value === value, {
        sent: `GET of a Secret that lies in etcd as ${provider} stores it, with kms-v2 as the first provider`,
        received: `stored as ${kind}; ${wordsOf(answer)}`,
        expected: "HTTP 200 with the value that was written",
      });
    }
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
