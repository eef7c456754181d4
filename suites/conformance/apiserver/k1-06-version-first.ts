import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { reseal } from "../offline.ts";

export const check = {
  id: "apiserver/k1-06-version-first",
  title: "With KMS v1 an API server asks for the version before all else, and never again.",
  level: "MUST",
  invariants: ["K1-06"],
  source: "spec encryption-at-rest 1.1; k8s.io/apiserver pkg/storage/value/encrypt/envelope/grpc_service.go",
  needs: ["configure", "store"],
  remedy: "Let the plugin answer Version at any time: this API server asks for it otherwise than the one that was checked.",
  async run(subject) {
    await using stage = await subject.shared("kms-v1");
    const { kms, server } = stage;
    await server.succeed(server.create("one", "a value"));
    await reseal(stage, "one", "kms-v1");
    await server.succeed(server.get("one"));
    const methods = kms.calls.filter((call) => call.kms === "v1").map(({ method }) => method);
    const versions = methods.filter((method) => method === "Version").length;
    const findings = new Findings();
    findings.add(methods[0] === "Version" && versions === 1 && methods.includes("Encrypt") && methods.includes("Decrypt"), {
      sent: "a write, and a read of a DEK that the API server does not know",
      received: `${methods[0] ?? "nothing"} first; ${versions} Version among ${methods.length} calls since the start`,
      expected: "Version first, and only once, and Encrypt and Decrypt after it",
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
