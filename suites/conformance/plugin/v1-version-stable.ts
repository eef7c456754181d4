import { type Check, Findings } from "../check.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-version-stable",
  title: "Version answers the same on every connection and every time.",
  level: "SHOULD",
  invariants: ["K1-06"],
  source: "spec encryption-at-rest 1.1; k8s.io/apiserver pkg/storage/value/encrypt/envelope/grpc_service.go",
  needs: ["kms-v1"],
  remedy: "Let the version and the runtime be constants.",
  async run(subject) {
    const answers = new Set<string>();
    for (let poll = 0; poll < 20; poll++) answers.add(JSON.stringify(await subject.v1.version()));
    for (let reconnect = 0; reconnect < 5; reconnect++) {
      using other = subject.connectV1();
      answers.add(JSON.stringify(await other.version()));
    }
    const findings = new Findings();
    findings.add(answers.size === 1, {
      sent: "25 Version calls over 6 connections",
      received: `${answers.size} different answers`,
      expected: "one",
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
