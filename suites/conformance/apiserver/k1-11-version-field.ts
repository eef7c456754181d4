import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { reseal } from "../offline.ts";

const methods = ["Version", "Encrypt", "Decrypt"] as const;

export const check = {
  id: "apiserver/k1-11-version-field",
  title: "With KMS v1 every request names the version v1beta1.",
  level: "MUST",
  invariants: ["K1-11"],
  source: "spec encryption-at-rest 1.1; k8s.io/apiserver pkg/storage/value/encrypt/envelope/grpc_service.go",
  needs: ["configure", "store"],
  remedy: "Do not let the plugin depend on the field: this API server sends something else.",
  async run(subject) {
    await using stage = await subject.shared("kms-v1");
    const { kms, server } = stage;
    await server.succeed(server.create("one", "a value"));
    await reseal(stage, "one", "kms-v1");
    await server.succeed(server.get("one"));
    const findings = new Findings();
    for (const method of methods) {
      const calls = kms.calls.filter((call) => call.kms === "v1" && call.method === method);
      const versions = new Set(calls.map(({ version }) => version));
      findings.add([...versions].join() === "v1beta1", {
        sent: `what makes the API server call ${method}`,
        received: `${calls.length} calls with the version ${[...versions].map((version) => `"${version}"`).join(", ") || "(none)"}`,
        expected: 'calls with the version "v1beta1"',
      });
    }
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
