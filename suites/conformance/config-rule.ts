import type { ConfigurationRule } from "../../harness/encryption-file/index.ts";
import { type EncryptionConfiguration, type ProviderConfiguration, providersIn } from "../../harness/target/encryption-configuration.ts";
import { type Check, Findings, notApplicable } from "./check.ts";
import type { ConfigSubject } from "./config-subject.ts";

type Described = Pick<Check<ConfigSubject>, "id" | "title" | "invariants" | "remedy">;

/** A check that the file breaks none of kube-apiserver's rules of one kind; what it says against it stands in the evidence. */
export function ruleCheck({ rule, ...described }: Described & { readonly rule: ConfigurationRule }): Check<ConfigSubject> {
  return {
    ...described,
    level: "MUST",
    source: "spec encryption-at-rest 4.2; k8s.io/apiserver pkg/apis/apiserver/validation/validation_encryption.go",
    needs: [],
    async run({ path, faults }) {
      const unread = faults.some((fault) => fault.rule === "decodable");
      if (unread && rule !== "decodable") return notApplicable("The file cannot be decoded, so that nothing else can be said of it.");
      const findings = new Findings();
      const wrong = faults.filter((fault) => fault.rule === rule);
      for (const { message } of wrong)
        findings.add(false, { sent: path, received: message, expected: "nothing that kube-apiserver refuses" });
      if (wrong.length === 0)
        findings.add(true, { sent: path, received: "nothing against it", expected: "nothing that kube-apiserver refuses" });
      return findings.outcome(20);
    },
  };
}

export interface Advice extends Described {
  readonly source: string;
  /** What speaks against the configuration, a sentence each; none where nothing does; undefined where the advice does not concern it. */
  find(configuration: EncryptionConfiguration, subject: ConfigSubject): readonly string[] | undefined;
  /** Why the advice does not concern a file. */
  readonly otherwise: string;
}

/** A check of what kube-apiserver accepts and an operator will regret. */
export function adviceCheck({ find, otherwise, ...described }: Advice): Check<ConfigSubject> {
  return {
    ...described,
    level: "SHOULD",
    needs: [],
    async run(subject) {
      if (subject.configuration === undefined) return notApplicable("An API server does not start with this file.");
      const found = find(subject.configuration, subject);
      if (found === undefined) return notApplicable(otherwise);
      const findings = new Findings();
      for (const sentence of found) findings.add(false, { sent: subject.path, received: sentence, expected: described.title });
      if (found.length === 0) findings.add(true, { sent: subject.path, received: "nothing of the kind", expected: described.title });
      return findings.outcome(20);
    },
  };
}

/** The providers of Secrets, the one that writes first: of the exact name, else of `*.`, else of `*.*` (spec encryption-at-rest 0.5). */
export function secretProviders(configuration: EncryptionConfiguration): readonly ProviderConfiguration[] {
  for (const name of ["secrets", "*.", "*.*"]) {
    const items = configuration.resources.filter(({ resources }) => resources.includes(name));
    if (items.length > 0) return items.flatMap(({ providers }) => providers);
  }
  return [];
}

export function kmsProviders(configuration: EncryptionConfiguration): Extract<ProviderConfiguration, { kind: "kms" }>[] {
  return providersIn(configuration).filter((provider) => provider.kind === "kms");
}

/** A provider as an operator would name it. */
export function nameOf(provider: ProviderConfiguration): string {
  if (provider.kind === "kms") return `the KMS ${provider.apiVersion} provider ${JSON.stringify(provider.name)}`;
  return provider.kind;
}
