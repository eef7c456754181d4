import { secretIn, wordsOf } from "../answers.ts";
import { type ApiserverSubject, startKnownServer } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { reseal } from "../offline.ts";

export const check = {
  id: "apiserver/aad-02-not-bound",
  title: "A value of aescbc or secretbox that was copied to another key is read there as what it was.",
  level: "MUST",
  invariants: ["AAD-02"],
  source:
    "spec encryption-at-rest 0.3; k8s.io/apiserver pkg/storage/value/encrypt/secretbox/secretbox.go, pkg/storage/value/encrypt/aes/aes.go",
  needs: ["configure", "store"],
  remedy: "What this API server stores cannot be kube-apiserver's aescbc or secretbox: those do not bind a value to its key.",
  async run(subject) {
    await using stage = await subject.stage();
    const known = await startKnownServer(stage, "kms-v2");
    const { server } = known;
    const findings = new Findings();
    for (const provider of ["aescbc", "secretbox"] as const) {
      const [from, to] = [`${provider}-from`, `${provider}-to`];
      for (const name of [from, to]) await server.succeed(server.create(name, `the value of ${name}`));
      await reseal(known, from, provider);
      await server.store.put(server.keyOf(to), (await server.raw(from)).bytes, server.signal);
      const answer = await server.get(to);
      const shown = secretIn(answer);
      findings.add(shown?.name === from && shown.value === `the value of ${from}`, {
        sent: `GET of the Secret ${to}, whose key got a copy of the value of ${from}, by ${provider}`,
        received: shown === undefined ? wordsOf(answer) : `HTTP ${answer.status} with a Secret that calls itself ${shown.name}`,
        expected: `HTTP 200 with the Secret ${from}: nothing binds the value to its key`,
      });
    }
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
