import type { Check } from "../check.ts";
import { Tally } from "../envelope-rules.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/opens",
  title: "Every value decrypts without an API server, with its etcd key as the authenticated data.",
  level: "MUST",
  invariants: ["AAD-03", "LP-01", "LP-02", "LP-03", "K1-07", "K2-03"],
  source: "spec encryption-at-rest 0.3, 1.2, 2.3 and 3; k8s.io/apiserver pkg/storage/etcd3/store.go",
  needs: ["keys"],
  remedy:
    "The value was changed, moved from another key, or its key is gone from the configuration or the KMS: bring the key back, or restore the value from a backup.",
  async run(subject) {
    const tally = new Tally();
    const keyless = new Map<string, number>();
    await subject.each(async (value) => {
      const opening = await value.opening();
      if (value.split?.kind === "identity" || opening.state === "unreadable") return;
      if (opening.state === "no-key") keyless.set(value.writer ?? "", (keyless.get(value.writer ?? "") ?? 0) + 1);
      else tally.add(value.key, opening.state === "refused" ? opening.reason : undefined);
    });
    const notes = [...keyless].slice(0, 1).map(() => ({
      sent: [...keyless].map(([writer, count]) => `${count} values of ${writer}`).join(", "),
      received: "not judged: there is no key for them here",
      expected: "keys of --encryption-config, or a plugin at --socket",
    }));
    return tally.outcome(subject, { of: "encrypted values", expected: "a plaintext" }, notes);
  },
} satisfies Check<EnvelopeSubject>;
