import { addHealth, startWithKms } from "../apiserver-kms.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings, notApplicable } from "../check.ts";
import { isBefore } from "../kubernetes-version.ts";

export const check = {
  id: "apiserver/k2-15-status-version",
  title: "With KMS v2 a Status of another version than v2 and v2beta1, or of another than the first, makes the API server unhealthy.",
  level: "MUST",
  invariants: ["K2-15"],
  source: "spec encryption-at-rest 2.5; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go",
  needs: ["configure", "restart", "clock"],
  remedy: "Let the plugin answer v2, always, whatever this API server takes.",
  async run(subject) {
    if (isBefore(subject.kubernetesVersion, { minor: 29 })) return notApplicable("Kubernetes 1.28 knows v2beta1 alone.");
    await using stage = await subject.stage();
    const started = await startWithKms(stage, "v2");
    const { kms, server } = started;
    const findings = new Findings();
    const answer = (version: string) => {
      kms.script = { status: (honest) => ({ ...honest, version }) };
    };
    for (const [version, says] of [
      // Before all others, in whose words it would be found, too.
      ["", "expected KMSv2 API version v2, got "],
      ["v3", "expected KMSv2 API version v2, got v3"],
      ["v2beta1", "KMSv2 API version should not change after the initial status response version v2, got v2beta1"],
    ] as const) {
      answer(version);
      await addHealth(findings, stage, started, { sent: `a Status of the version "${version}" after one of v2`, says });
    }
    answer("v2");
    await addHealth(findings, stage, started, { sent: "a Status of the version v2 again" });
    answer("v2beta1");
    await server.restart();
    await addHealth(findings, stage, started, { sent: "a start with a plugin whose Status is of the version v2beta1" });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
