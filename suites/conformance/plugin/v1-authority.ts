import { type Check, Findings, inconclusive } from "../check.ts";
import { attempt } from "../plugin-calls.ts";
import { addRoundTripV1, handmadeV1, versionV1 } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-authority",
  title: "The plugin serves callers under the authority that API servers send over KMS v1.",
  level: "MUST",
  invariants: [],
  source:
    "spec encryption-at-rest 1.1: the percent-encoded path of the socket, from 1.29 to this day; k8s.io/apiserver pkg/storage/value/encrypt/envelope/grpc_service.go",
  needs: ["kms-v1"],
  remedy: "Take no notice of the HTTP/2 authority.",
  async run(subject) {
    const usual = await attempt(subject.v1.version(), subject);
    if (!usual.isAnswered) return inconclusive(`Version does not work under localhost either: ${usual.message}`);
    using raw = subject.connectRaw(encodeURIComponent(subject.socket));
    const v1 = handmadeV1(raw, { version: versionV1, tail: new Uint8Array(0) });
    const findings = new Findings();
    const result = await attempt(v1.version(), subject);
    findings.add(result.isAnswered, {
      sent: "Version with the percent-encoded path of the socket as authority",
      received: result.isAnswered ? "an answer" : result.message,
      expected: "an answer",
    });
    await addRoundTripV1({ v1, clock: subject.clock }, findings, "32 bytes under that authority", subject.random.bytes(32));
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
