import { randomBytes } from "node:crypto";
import { stringify } from "yaml";
import type { ApiserverSubject } from "./apiserver-subject.ts";
import { type Check, Findings } from "./check.ts";

/** A file that an API server must not start with. */
export interface WrongConfiguration {
  /** In words, for the evidence. */
  readonly what: string;
  /** The `resources` of the file, or its whole text. */
  readonly resources?: unknown;
  readonly text?: string;
  /** What has to stand in the server's last words. */
  readonly message: string;
}

export interface RefusalRule extends Pick<Check<ApiserverSubject>, "id" | "title" | "invariants"> {
  readonly wrong: readonly WrongConfiguration[];
}

/** Keys of this process alone; none of them ever encrypts anything. */
export const anyKey = { name: "key1", secret: randomBytes(32).toString("base64") };
export const anyKms = { apiVersion: "v2", name: "one", endpoint: "unix:///run/kmsmark-nobody.sock" };

/** One item that encrypts Secrets with these providers. */
export function secretsWith(...providers: readonly unknown[]): unknown {
  return [{ resources: ["secrets"], providers }];
}

/** A check that the API server ends at start with a rule's message, for each way to break the rule (spec encryption-at-rest 4.2). */
export function refusalCheck({ wrong, ...rule }: RefusalRule): Check<ApiserverSubject> {
  return {
    ...rule,
    level: "MUST",
    source: "spec encryption-at-rest 4.2; k8s.io/apiserver pkg/apis/apiserver/validation/validation_encryption.go",
    needs: ["configure", "restart"],
    remedy:
      "The API server accepts a file that kube-apiserver refuses, or says something else: compare its version with the one that was checked.",
    async run(subject) {
      const findings = new Findings();
      for (const { what, resources, text = render(resources), message } of wrong) {
        // klog prints an error in quotes, with those in it escaped.
        const log = (await subject.refusedStart(text))?.replaceAll('\\"', '"');
        findings.add(log?.includes(message) ?? false, {
          sent: `a start with ${what}`,
          received: log === undefined ? "it started" : lastWords(log, message),
          expected: `an end before it serves, with: ${message}`,
        });
      }
      return findings.outcome();
    },
  };
}

function render(resources: unknown): string {
  return stringify({ apiVersion: "apiserver.config.k8s.io/v1", kind: "EncryptionConfiguration", resources });
}

const wordsMax = 300;

/** The line of the log that says it, or its last one; a key that the server shows is not shown on. */
function lastWords(log: string, message: string): string {
  const lines = log.trimEnd().split("\n");
  const line = (lines.find((each) => each.includes(message)) ?? lines.at(-1) ?? "").trim();
  return line.replaceAll(anyKey.secret, "(key)").slice(-wordsMax);
}
