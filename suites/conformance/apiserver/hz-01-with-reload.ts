import { newAesGcm, secretsBy } from "../apiserver-reload.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { endpointFindings } from "../endpoints.ts";

export const check = {
  id: "apiserver/hz-01-with-reload",
  title: "With automatic reload there is one health endpoint for all providers, whatever they are, even where none is a KMS.",
  level: "MUST",
  invariants: ["HZ-01"],
  source: "spec encryption-at-rest 4.5; k8s.io/apiserver pkg/server/options/etcd.go",
  needs: ["configure", "restart"],
  remedy: "Look at /readyz?verbose for the names that this API server has, before you alert on one or exclude it.",
  async run(subject) {
    const findings = new Findings();
    const version = subject.kubernetesVersion;
    await using stage = await subject.stage();
    const { socket } = await stage.startKms();
    const kms = (["v1", "v2"] as const).map((apiVersion) => ({ kind: "kms" as const, apiVersion, name: `kms-${apiVersion}`, socket }));
    const server = await stage.startServer({ encryption: secretsBy(...kms), automaticReload: true });
    await endpointFindings(findings, server, { of: "a KMS v1 and a KMS v2 provider, with reload", names: ["kms-providers"], version });
    await server.restart({ encryption: secretsBy(newAesGcm()) });
    await endpointFindings(findings, server, { of: "aesgcm alone, with reload", names: ["kms-providers"], version });
    return findings.outcome(20);
  },
} satisfies Check<ApiserverSubject>;
