import { methodPaths } from "../../../harness/kms/contract.ts";
import { type Check, Findings } from "../check.ts";
import { attempt, ending } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-authority",
  title: "The plugin serves callers under the authority that API servers send over KMS v1.",
  level: "MUST",
  invariants: ["K2-26"],
  source: "spec encryption-at-rest 1.1: the percent-encoded path of the socket",
  needs: ["kms-v1"],
  remedy: "Take no notice of the HTTP/2 authority.",
  async run(subject) {
    using raw = subject.connectRaw(encodeURIComponent(subject.socket));
    const findings = new Findings();
    const version = Buffer.from("v1beta1");
    const result = await attempt(raw.call(methodPaths.v1.Version, Buffer.concat([Uint8Array.of(0x0a, version.length), version])), subject);
    findings.add(result.isAnswered, {
      sent: "Version with the percent-encoded path of the socket as authority",
      received: ending(result),
      expected: "an answer",
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
