import { TargetError } from "../../../harness/errors.ts";
import { startWithKms } from "../apiserver-kms.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";

const message = "KMSv1 is deprecated and will only receive security updates going forward. Use KMSv2 instead.";
const wordsMax = 300;

export const check = {
  id: "apiserver/k1-10-gate",
  title: "An API server whose gate KMSv1 is off does not start with a KMS v1 provider.",
  level: "MUST",
  invariants: ["K1-10"],
  source: "spec encryption-at-rest 1.7; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go",
  needs: ["configure", "restart"],
  remedy: "Take KMS v1 out of the configuration; what it wrote has to be replaced while it is still there.",
  async run(subject) {
    await using stage = await subject.stage();
    const words = await lastWords(() => startWithKms(stage, "v1", { featureGates: { KMSv1: false } }));
    const findings = new Findings();
    findings.add(words?.includes(message) ?? false, {
      sent: "a start with KMS v1 and --feature-gates=KMSv1=false",
      received: words === undefined ? "it started" : lineOf(words).slice(0, wordsMax),
      expected: `an end before it serves, with: ${message}`,
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;

/** What a start that fails says; undefined where it does not fail. */
async function lastWords(start: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await start();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof TargetError) return thrown.message;
    throw thrown;
  }
}

/** The line of a log that says it, or the last one. */
function lineOf(words: string): string {
  const lines = words.trimEnd().split("\n");
  return (lines.find((line) => line.includes(message)) ?? lines.at(-1) ?? "").trim();
}
