import { type ApiserverSubject, sharedProviders } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { reseal } from "../offline.ts";
import { rewriteFindings } from "../rewrite.ts";

export const check = {
  id: "apiserver/fr-03-stale-provider",
  title: "An update that changes nothing writes a Secret of a later provider anew, once, by the first provider.",
  level: "MUST",
  invariants: ["FR-03"],
  source: "spec encryption-at-rest 2.7, 6.3; k8s.io/apiserver pkg/storage/value/transformer.go, pkg/storage/etcd3/store.go",
  needs: ["configure", "store"],
  remedy: "Do not retire the old provider: replacing every Secret by itself does not move it to the new one on this API server.",
  async run(subject) {
    const findings = new Findings();
    await using stage = await subject.shared("kms-v2");
    for (const provider of sharedProviders) {
      if (provider === "kms-v2") continue;
      const name = `by-${provider}`;
      await stage.server.succeed(stage.server.create(name, "a value"));
      await reseal(stage, name, provider);
      await rewriteFindings(findings, stage.server, { name, before: provider, after: "kms-v2" });
    }
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
