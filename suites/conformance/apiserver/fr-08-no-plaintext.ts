import { randomBytes } from "node:crypto";
import type { TestServer } from "../apiserver-server.ts";
import { type ApiserverSubject, encryptingProviders } from "../apiserver-subject.ts";
import { type Check, Findings, inconclusive } from "../check.ts";

export const check = {
  id: "apiserver/fr-08-no-plaintext",
  title: "No provider but identity leaves a Secret's value in what is stored.",
  level: "MUST",
  invariants: ["FR-08"],
  source: "spec encryption-at-rest 0.2, 8",
  needs: ["configure", "store"],
  remedy: "Treat every Secret in this etcd, and in its backups, as disclosed: change them, and encrypt before they are written again.",
  async run(subject) {
    const findings = new Findings();
    {
      await using stage = await subject.shared("identity");
      const { found } = await search(stage.server);
      if (found.length === 0) return inconclusive("A value that is stored as it is was not found: the search proves nothing.");
    }
    for (const provider of encryptingProviders) {
      await using stage = await subject.shared(provider);
      const { found, bytes } = await search(stage.server);
      findings.add(found.length === 0, {
        sent: `a Secret and a change of it, with ${provider} as the first provider`,
        received: found.length === 0 ? `the value is not in the ${bytes} stored bytes` : `the value is in etcd ${found.join(" and ")}`,
        expected: "the value nowhere in etcd's bytes, neither as it is nor in base64",
      });
    }
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;

/** Writes a value that is nowhere else, changes it to another such, and looks for both where the Secret is stored. */
async function search(server: TestServer): Promise<{ readonly found: string[]; readonly bytes: number }> {
  const found = new Set<string>();
  let bytes = 0;
  const [first, second] = [randomBytes(24).toString("hex"), randomBytes(24).toString("hex")];
  for (const value of [first, second]) {
    await server.succeed(value === first ? server.create("searched", value) : server.update("searched", value));
    const stored = Buffer.from((await server.raw("searched")).bytes);
    bytes += stored.length;
    if (stored.includes(value)) found.add("as it is");
    if (stored.includes(Buffer.from(value).toString("base64"))) found.add("in base64");
  }
  return { found: [...found], bytes };
}
