import type { CheckArea, CheckLevel, Evidence } from "../../harness/run/schema.ts";

/** What a check may need besides its subject; a subject says of each why it lacks it. */
export const needs = {
  "kms-v1": "a plugin that serves KMS v1",
  "kms-v2": "a plugin that serves KMS v2",
  rotate: "a way to rotate the plugin's key",
  restart: "a way to restart what is checked",
  store: "access to the stored values",
  configure: "a control plane whose encryption configuration may be changed",
  keys: "the keys or the plugin that the values were encrypted with",
  disk: "the files of an etcd on this machine",
  logs: "the logs of what is checked",
  clock: "minutes of waiting; --quick leaves it out",
} as const;
export type Need = keyof typeof needs;

/** How a check ended. All but `pass` and `fail` say why there is no answer; only `pass` is one that passes. */
export type Outcome =
  | { readonly verdict: "pass" | "fail"; readonly evidence: readonly Evidence[] }
  /** `not-applicable`: the rule does not concern this subject. `inconclusive`: the subject could not be judged, through no fault of its own. */
  | { readonly verdict: "not-applicable" | "inconclusive"; readonly reason: string; readonly evidence: readonly Evidence[] };

/**
 * One rule, and how it is checked. A check is one object, exported as `check`, in the file `suites/conformance/AREA/NAME.ts` whose path is its
 * id. It keeps nothing between two runs and gives back what it took; what it throws makes it inconclusive.
 */
export interface Check<Subject> {
  /** `plugin/status-keyid-limit`; never changes. */
  readonly id: `${CheckArea}/${string}`;
  /** What is true where it passes, as a sentence. */
  readonly title: string;
  /** MUST: kube-apiserver enforces it or breaks on it. SHOULD: the KEP or good practice asks for it. */
  readonly level: CheckLevel;
  /** The invariants of spec encryption-at-rest section 8 that it covers, `K2-09`. */
  readonly invariants: readonly string[];
  /** Where the rule comes from: KEP, file of Kubernetes, section of the spec. */
  readonly source: string;
  readonly needs: readonly Need[];
  /** How long, milliseconds, it waits at the most; absent below two minutes. Those that wait longest are begun first. */
  readonly waitMsMax?: number;
  /** What to do where it fails, as a sentence. */
  readonly remedy: string;
  run(subject: Subject): Promise<Outcome>;
}

/** What every subject can say of itself. */
export interface SubjectBase {
  /** Why there is no such thing here, as a sentence; undefined where there is. */
  lacks(need: Need): string | undefined;
}

/** Decides by evidence: each piece is right or wrong, and one that is wrong makes the check fail. No evidence at all decides nothing. */
export class Findings {
  readonly #evidence: Evidence[] = [];
  readonly #wrong: Evidence[] = [];

  /**
   * Adds a piece of evidence: what was sent, what came back, what was expected. None of it may hold a plaintext, a DEK or a credential: say
   * `32 bytes` instead.
   */
  add(isRight: boolean, evidence: Evidence): boolean {
    (isRight ? this.#evidence : this.#wrong).push(evidence);
    return isRight;
  }

  get isEmpty(): boolean {
    return this.#evidence.length === 0 && this.#wrong.length === 0;
  }

  get hasFailed(): boolean {
    return this.#wrong.length > 0;
  }

  /** The outcome, what is wrong first; at most `max` pieces of evidence. */
  outcome(max = 8): Outcome {
    if (this.hasFailed) return { verdict: "fail", evidence: this.#wrong.slice(0, max) };
    if (this.#evidence.length === 0) return inconclusive("Nothing was found out.");
    return { verdict: "pass", evidence: this.#evidence.slice(0, max) };
  }
}

export function notApplicable(reason: string): Outcome {
  return { verdict: "not-applicable", reason, evidence: [] };
}

export function inconclusive(reason: string, evidence: readonly Evidence[] = []): Outcome {
  return { verdict: "inconclusive", reason, evidence };
}
