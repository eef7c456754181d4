import { createHash } from "node:crypto";
import { EnvelopeError, type OnceOnlyPart, onceOnlyPart } from "../../harness/envelope/index.ts";
import type { Evidence } from "../../harness/run/schema.ts";
import { notApplicable, type Outcome } from "./check.ts";
import type { EnvelopeSubject } from "./envelope-subject.ts";
import type { EnvelopeValue, OpenedValue } from "./envelope-value.ts";

/** So many wrong values are named; the others are counted. */
const namedMax = 7;

/** A rule that one value keeps or breaks, whatever the others are. */
export interface ValueRule<Part> {
  /** The values that it is about, as in `values of KMS v2`. */
  readonly of: string;
  /** What of a value the rule is about; undefined where it is not about this value, or cannot be judged because of what another check finds. */
  readonly part: (value: EnvelopeValue) => Part | undefined | Promise<Part | undefined>;
  /** What is wrong with it, without anything of its content; undefined where it is right. */
  readonly fault: (part: Part, value: EnvelopeValue) => string | undefined;
  /** What is right. */
  readonly expected: string;
}

/** Judges every value by a rule: not applicable where it is about none of them. */
export async function judgeValues<Part>(subject: EnvelopeSubject, { of, part: take, fault, expected }: ValueRule<Part>): Promise<Outcome> {
  const tally = new Tally();
  await subject.each(async (value) => {
    const part = await take(value);
    if (part !== undefined) tally.add(value.key, fault(part, value));
  });
  return tally.outcome(subject, { of, expected });
}

/** Judges by a rule what is in the values that open under their own key. For checks with the need `keys`. */
export function judgeOpened<Part>(
  subject: EnvelopeSubject,
  { part, ...rule }: Omit<ValueRule<Part>, "part"> & { readonly part: (opened: OpenedValue, value: EnvelopeValue) => Part | undefined },
): Promise<Outcome> {
  return judgeValues(subject, { ...rule, part: opened(part) });
}

/** Counts right and wrong values, and remembers no more than it tells. */
export class Tally {
  #right = 0;
  #wrong = 0;
  readonly #named: { readonly key: string; readonly fault: string }[] = [];

  get isEmpty(): boolean {
    return this.#right + this.#wrong === 0;
  }

  add(key: string, fault: string | undefined): void {
    if (fault === undefined) {
      this.#right++;
      return;
    }
    this.#wrong++;
    if (this.#named.length < namedMax) this.#named.push({ key, fault });
  }

  outcome(subject: EnvelopeSubject, { of, expected }: { readonly of: string; readonly expected: string }, notes: Evidence[] = []): Outcome {
    if (this.isEmpty) return notApplicable(`There are no ${of} in ${subject.origin} that can be judged.`);
    if (this.#wrong === 0) {
      const evidence = { sent: `${this.#right} ${of} in ${subject.origin}`, received: "all are so", expected };
      return { verdict: "pass", evidence: [evidence, ...notes] };
    }
    const named = this.#named.map(({ key, fault }) => ({ sent: `the value of ${key}`, received: fault, expected }));
    const all = { sent: `${this.#right + this.#wrong} ${of} in ${subject.origin}`, received: `${this.#wrong} are not so`, expected };
    return { verdict: "fail", evidence: [...named, all] };
  }
}

/** No two values share the part that is drawn anew for every write. A hash of each part is kept, and nothing else. */
export function judgeOnceOnly(
  subject: EnvelopeSubject,
  { of, what, kind }: { readonly of: string; readonly what: OnceOnlyPart["what"]; readonly kind: string },
): Promise<Outcome> {
  return judgeUnique(subject, {
    of,
    what,
    part: ({ whole }) => {
      if (whole?.kind !== kind) return undefined;
      const part = onceOnlyPart(whole);
      return part?.what === what ? [Buffer.from(part.scope), part.bytes] : undefined;
    },
  });
}

/** As {@link judgeOnceOnly} of anything: the bytes that must occur once, in parts. */
export async function judgeUnique(
  subject: EnvelopeSubject,
  rule: {
    readonly of: string;
    readonly what: string;
    readonly part: (value: EnvelopeValue) => readonly Uint8Array[] | undefined | Promise<readonly Uint8Array[] | undefined>;
  },
): Promise<Outcome> {
  const { of, what, part: take } = rule;
  const tally = new Tally();
  const keyOf = new Map<string, string>();
  await subject.each(async (value) => {
    const parts = await take(value);
    if (parts === undefined) return;
    const id = fingerprint(...parts);
    const other = keyOf.get(id);
    if (other === undefined) keyOf.set(id, value.key);
    tally.add(value.key, other === undefined ? undefined : `its ${what} is that of ${other}, too`);
  });
  return tally.outcome(subject, { of, expected: `no ${what} twice` });
}

/** Tells bytes apart without keeping them. */
export function fingerprint(...parts: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(Uint8Array.of(part.length >> 24, part.length >> 16, part.length >> 8, part.length)).update(part);
  return hash.digest("base64").slice(0, 22);
}

/**
 * What is to be judged of the values that open under their own key; the others are those of `envelope/opens`. For checks with the need `keys`.
 */
export function opened<Part>(take: (opened: OpenedValue, value: EnvelopeValue) => Part | undefined) {
  return async (value: EnvelopeValue): Promise<Part | undefined> => {
    const opening = await value.opening();
    return opening.state === "opened" && opening.opened.value.kind !== "identity" ? take(opening.opened, value) : undefined;
  };
}

/** The text of the fault that the codec finds, which is kube-apiserver's own; undefined where it finds none. */
export function faultOf(look: () => unknown): string | undefined {
  try {
    look();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof EnvelopeError) return thrown.message;
    throw thrown;
  }
}
