import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { isBefore } from "../kubernetes-version.ts";

export const check = {
  id: "apiserver/k2-26-authority",
  title:
    "With KMS v2 the HTTP/2 authority of calls is localhost; before Kubernetes 1.32 it is the socket's path, percent-encoded since 1.29.",
  level: "MUST",
  invariants: ["K2-26"],
  source: "spec encryption-at-rest 2.1; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/grpc_service.go",
  needs: ["configure"],
  remedy: "Let the plugin take no notice of the authority.",
  async run(subject) {
    await using stage = await subject.shared("kms-v2");
    const { kms } = stage;
    const expected = authorityOf(subject.kubernetesVersion, kms.socket);
    const calls = kms.calls.filter((call) => call.kms === "v2");
    const authorities = new Set(calls.map(({ authority }) => authority));
    const isRight = authorities.size === 1 && authorities.has(expected);
    const shown = [...authorities].map((authority) => (authority === "localhost" ? authority : "another")).join(", ");
    const findings = new Findings();
    findings.add(isRight, {
      sent: `${calls.length} calls of ${subject.kubernetesVersion}`,
      received: `the authority: ${isRight ? (expected === "localhost" ? expected : "the socket's path") : shown || "none"}`,
      expected: `the authority: ${expected === "localhost" ? expected : "the socket's path"}`,
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;

function authorityOf(version: string, socket: string): string {
  if (!isBefore(version, { minor: 32 })) return "localhost";
  return isBefore(version, { minor: 29 }) ? socket : encodeURIComponent(socket);
}
