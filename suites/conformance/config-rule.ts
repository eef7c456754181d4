import type { ConfigurationRule } from "../../harness/encryption-file/index.ts";
import type { Evidence } from "../../harness/run/schema.ts";
import {
  type EncryptionConfiguration,
  type LocalKey,
  type ProviderConfiguration,
  providersIn,
} from "../../harness/target/encryption-configuration.ts";
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
      for (const { message, line } of wrong)
        findings.add(false, { ...at(path, line), received: message, expected: "nothing that kube-apiserver refuses" });
      if (wrong.length === 0)
        findings.add(true, { sent: path, received: "nothing against it", expected: "nothing that kube-apiserver refuses" });
      return findings.outcome(20);
    },
  };
}

/** A sentence, and the provider or the key of the configuration that it is about; a sentence alone is about the whole file. */
export type Remark = string | { readonly told: string; readonly about: ProviderConfiguration | LocalKey };

export interface Advice extends Described {
  readonly source: string;
  /** What speaks against the configuration, a sentence each; none where nothing does; undefined where the advice does not concern it. */
  find(configuration: EncryptionConfiguration, subject: ConfigSubject): readonly Remark[] | undefined;
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
      const { configuration, path, lineOf } = subject;
      const found = find(configuration, subject);
      if (found === undefined) return notApplicable(otherwise);
      const findings = new Findings();
      for (const remark of found) {
        const { told, about } = typeof remark === "string" ? { told: remark, about: undefined } : remark;
        const field = about === undefined ? undefined : fieldOf(configuration, about);
        findings.add(false, { ...at(path, field === undefined ? undefined : lineOf(field)), received: told, expected: described.title });
      }
      if (found.length === 0) findings.add(true, { sent: path, received: "nothing of the kind", expected: described.title });
      return findings.outcome(20);
    },
  };
}

/** A place in the file, as editors and terminals open it. */
function at(path: string, line: number | undefined): Pick<Evidence, "sent" | "place"> {
  return { sent: line === undefined ? path : `${path}:${line}`, place: { file: path, line: line ?? null } };
}

/** The path of a provider or a key in the file. */
function fieldOf({ resources }: EncryptionConfiguration, about: ProviderConfiguration | LocalKey): string | undefined {
  for (const [item, { providers }] of resources.entries()) {
    for (const [index, provider] of providers.entries()) {
      const path = `resources[${item}].providers[${index}]`;
      if (provider === about) return path;
      const key = "keys" in provider && "secret" in about ? provider.keys.indexOf(about) : -1;
      if (key >= 0) return `${path}.${provider.kind}.keys[${key}]`;
    }
  }
  return undefined;
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
