import { EnvelopeError } from "../../../harness/envelope/index.ts";
import { type Check, notApplicable } from "../check.ts";
import type { Unlocked } from "../envelope-keyring.ts";
import { Tally } from "../envelope-rules.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/bound-to-key",
  title: "A value of aesgcm or a KMS opens under no other etcd key than its own.",
  level: "MUST",
  invariants: ["AAD-01", "AAD-02", "AAD-03"],
  source: "spec encryption-at-rest 0.3; k8s.io/apiserver pkg/storage/etcd3/store.go",
  needs: ["keys"],
  remedy: "Whoever can write to etcd can give one object the value of another: rewrite such values with aesgcm or KMS v2.",
  async run(subject) {
    const tally = new Tally();
    const free = new Map<string, number>();
    await subject.each(async (value) => {
      const { kind } = value.split ?? {};
      const opening = await value.opening();
      if (kind === undefined || kind === "identity" || opening.state === "no-key" || opening.state === "unreadable") return;
      const { unlocked, legacy } = opening.state === "opened" ? opening.opened : { unlocked: opening.unlocked, legacy: false };
      if (kind === "aescbc" || kind === "secretbox" || legacy) free.set(kind, (free.get(kind) ?? 0) + 1);
      else if (unlocked !== undefined) tally.add(value.key, faultOf(unlocked, value.key));
    });
    const unbound = [...free].map(([kind, count]) => `${count} of ${kind}`).join(", ");
    if (tally.isEmpty && free.size > 0) {
      return notApplicable(`No scheme of these values binds them to a key (${unbound}): whoever can write to etcd can exchange them.`);
    }
    const note = {
      sent: `values that their scheme does not bind: ${unbound}`,
      received: "not judged",
      expected: "nothing: they open under any key",
    };
    return tally.outcome(
      subject,
      { of: "values of aesgcm and KMS", expected: "nothing opens it under another key" },
      unbound === "" ? [] : [note],
    );
  },
} satisfies Check<EnvelopeSubject>;

/** Keys that one might take for it: another object's, one without the first slash, none. */
function faultOf(unlocked: Unlocked, key: string): string | undefined {
  if (isOpenedUnder(unlocked, "")) return "it opens without any authenticated data";
  return [`${key}-copy`, key.slice(1)].some((other) => isOpenedUnder(unlocked, other)) ? "it opens under another key" : undefined;
}

function isOpenedUnder(unlocked: Unlocked, key: string): boolean {
  try {
    // Rarely, KMS v1's second attempt takes what is not authentic for CBC and gives something else (spec encryption-at-rest 1.2).
    return !unlocked.open(key).legacy;
  } catch (thrown) {
    if (thrown instanceof EnvelopeError) return false;
    throw thrown;
  }
}
