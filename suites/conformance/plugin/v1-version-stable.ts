import type { KmsV1 } from "../../../harness/kms/contract.ts";
import { type Check, Findings } from "../check.ts";
import { attempt } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-version-stable",
  title: "Version answers the same on every connection and every time.",
  level: "SHOULD",
  invariants: ["K1-06"],
  source: "spec encryption-at-rest 1.1; k8s.io/apiserver pkg/storage/value/encrypt/envelope/grpc_service.go",
  needs: ["kms-v1"],
  remedy: "Let the version and the runtime be constants, and Version depend on nothing that can fail.",
  async run(subject) {
    const answers = new Set<string>();
    const poll = async (kms: KmsV1) => {
      const result = await attempt(kms.version(), subject);
      answers.add(result.isAnswered ? JSON.stringify(result.answer) : result.code);
    };
    for (let round = 0; round < 20; round++) await poll(subject.v1);
    for (let reconnect = 0; reconnect < 5; reconnect++) {
      using other = subject.connectV1();
      await poll(other);
    }
    const findings = new Findings();
    findings.add(answers.size === 1, {
      sent: "25 Version calls over 6 connections",
      received: `${answers.size} different answers: ${[...answers].slice(0, 3).join(", ")}`,
      expected: "one",
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
