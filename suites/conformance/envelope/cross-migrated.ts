import type { Check } from "../check.ts";
import { migrated } from "../envelope-cross-read.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/cross-migrated",
  title: "What was put back unchanged with another provider in front is stored by that one, and is what was written.",
  level: "MUST",
  invariants: ["MG-02", "FR-03"],
  source: "spec encryption-at-rest 6.3; k8s.io/apiserver pkg/storage/etcd3/store.go",
  needs: ["configure"],
  remedy: "A migration on this API server leaves values of the older provider behind: do not retire that one.",
  run: migrated,
} satisfies Check<EnvelopeSubject>;
