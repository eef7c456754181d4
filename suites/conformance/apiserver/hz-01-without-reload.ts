import type { ProviderConfiguration } from "../../../harness/target/encryption-configuration.ts";
import { newAesGcm, secretsBy } from "../apiserver-reload.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { endpointFindings } from "../endpoints.ts";

export const check = {
  id: "apiserver/hz-01-without-reload",
  title: "KMS v2 alone has one health endpoint for all providers; with a KMS v1 among them each has its own, in the order of the file.",
  level: "MUST",
  invariants: ["HZ-01"],
  source: "spec encryption-at-rest 4.5; k8s.io/apiserver pkg/server/options/etcd.go, encryptionconfig/config.go",
  needs: ["configure", "restart"],
  remedy: "Look at /readyz?verbose for the names that this API server has, before you alert on one or exclude it.",
  async run(subject) {
    const findings = new Findings();
    const version = subject.kubernetesVersion;
    await using stage = await subject.stage();
    const { socket } = await stage.startKms();
    const [v2, otherV2, v1] = (["v2", "v2", "v1"] as const).map(
      (apiVersion, index): ProviderConfiguration => ({ kind: "kms", apiVersion, name: `kms-${index}`, socket }),
    );
    if (v2 === undefined || otherV2 === undefined || v1 === undefined) return findings.outcome();
    const server = await stage.startServer({ encryption: secretsBy(v2, otherV2) });
    await endpointFindings(findings, server, { of: "two KMS v2 providers", names: ["kms-providers"], version });
    await server.restart({ encryption: secretsBy(v1) });
    await endpointFindings(findings, server, { of: "a KMS v1 provider alone", names: ["kms-provider-0"], version });
    await server.restart({ encryption: secretsBy(newAesGcm(), v2, v1) });
    await endpointFindings(findings, server, {
      of: "aesgcm, a KMS v2 and a KMS v1 provider",
      names: ["kms-provider-0", "kms-provider-1"],
      version,
    });
    return findings.outcome(20);
  },
} satisfies Check<ApiserverSubject>;
