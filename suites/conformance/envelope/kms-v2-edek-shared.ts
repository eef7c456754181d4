import type { Evidence } from "../../../harness/run/schema.ts";
import { type Check, inconclusive, notApplicable } from "../check.ts";
import { fingerprint } from "../envelope-rules.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/kms-v2-edek-shared",
  title: "What one API server writes with KMS v2 between two changes of the key shares one encrypted DEK source.",
  level: "MUST",
  invariants: ["K2-05", "K2-10"],
  source: "spec encryption-at-rest 2.5; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go",
  needs: [],
  remedy:
    "The API server asks the plugin more often than it has to: look at its Encrypt calls with the tap, and at the stability of the plugin's key_id.",
  async run(subject) {
    const writes = new Map<string, Write[]>();
    const sources = new Map<string, number>();
    await subject.each(({ whole, modRevision }) => {
      if (whole?.kind !== "kms-v2") return;
      const id = fingerprint(whole.object.encryptedDekSource);
      const source = sources.get(id) ?? sources.size;
      sources.set(id, source);
      const { keyId } = whole.object;
      const known = writes.get(keyId);
      if (known === undefined) writes.set(keyId, [{ source, modRevision }]);
      else known.push({ source, modRevision });
    });
    if (writes.size === 0) return notApplicable(`There are no values of KMS v2 in ${subject.origin} that can be judged.`);
    const histories = [...writes.values()].map(historyOf);
    const evidence = histories.map(describe);
    if (histories.every((history) => history.sources === 1)) return { verdict: "pass", evidence };
    if (subject.isOneLife) return { verdict: "fail", evidence };
    if (histories.every(isOneAfterAnother)) return { verdict: "pass", evidence };
    return inconclusive(
      "Every API server has an encrypted DEK source of its own, and makes another at each start, so that the values do not tell whether one made more than it had to.",
      evidence,
    );
  },
} satisfies Check<EnvelopeSubject>;

interface Write {
  readonly source: number;
  readonly modRevision: number | undefined;
}

/** What became of one key_id. */
interface History {
  readonly values: number;
  /** Different encrypted DEK sources. */
  readonly sources: number;
  /** How often another one came than that of the value before; undefined where nobody knows the order. */
  readonly changes: number | undefined;
}

function historyOf(writes: readonly Write[]): History {
  const sources = new Set(writes.map(({ source }) => source)).size;
  const dated = writes.flatMap(({ source, modRevision }) => (modRevision === undefined ? [] : [{ source, modRevision }]));
  if (dated.length < writes.length) return { values: writes.length, sources, changes: undefined };
  const inOrder = dated.sort((a, b) => a.modRevision - b.modRevision);
  const changes = inOrder.filter(({ source }, at) => at > 0 && source !== inOrder[at - 1]?.source).length;
  return { values: writes.length, sources, changes };
}

/** None comes back once another followed, and on average each has more than one value: one API server with a few restarts. */
function isOneAfterAnother({ values, sources, changes }: History): boolean {
  return sources === 1 || (changes === sources - 1 && values >= 2 * sources);
}

function describe({ values, sources, changes }: History): Evidence {
  const order = changes === undefined ? "in an order that nobody knows" : `changing ${changes} times in the order of the writes`;
  return {
    sent: `${values} values of KMS v2 with one key_id`,
    received: `${sources} different encrypted DEK sources${sources === 1 ? "" : `, ${order}`}`,
    expected: "one for each life of an API server, and none that comes back",
  };
}
