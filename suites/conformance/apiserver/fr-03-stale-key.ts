import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { reseal } from "../offline.ts";
import { rewriteFindings } from "../rewrite.ts";

export const check = {
  id: "apiserver/fr-03-stale-key",
  title: "An update that changes nothing writes a Secret of a later key anew, once, under the first key.",
  level: "MUST",
  invariants: ["FR-03"],
  source: "spec encryption-at-rest 0.4, 3; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go",
  needs: ["configure", "store"],
  remedy: "Do not remove the old key: replacing every Secret by itself does not move it to the new one on this API server.",
  async run(subject) {
    const findings = new Findings();
    for (const provider of ["aescbc", "aesgcm", "secretbox"] as const) {
      await using stage = await subject.shared(provider);
      const { localKeys, secondKeys, server } = stage;
      await server.succeed(server.create("second-key", "a value"));
      await reseal({ ...stage, localKeys: secondKeys, secondKeys: localKeys }, "second-key", provider);
      const [before, after] = [secondKeys, localKeys].map((keys) => `${provider} ${keys[provider].name}`);
      await rewriteFindings(findings, server, { name: "second-key", before: before ?? "", after: after ?? "" });
    }
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
