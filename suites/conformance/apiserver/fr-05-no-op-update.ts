import { secretIn, wordsOf } from "../answers.ts";
import type { TestServer } from "../apiserver-server.ts";
import { type ApiserverSubject, sharedProviders } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";

export const check = {
  id: "apiserver/fr-05-no-op-update",
  title: "An update that changes nothing of a Secret that is not stale writes nothing.",
  level: "MUST",
  invariants: ["FR-05"],
  source: "spec encryption-at-rest 6.3; k8s.io/apiserver pkg/storage/etcd3/store.go",
  needs: ["configure", "store"],
  remedy: "Do not count on a second migration being free: this API server writes what is not stale, too.",
  async run(subject) {
    const findings = new Findings();
    for (const provider of sharedProviders) {
      await using stage = await subject.shared(provider);
      const { server } = stage;
      const created = secretIn(await server.succeed(server.create("unchanged", "a value")));
      const before = await server.raw("unchanged");
      for (const [what, update] of [
        ["PUT of what was read", () => server.replaceUnchanged("unchanged")],
        ["empty merge PATCH", () => patch(server, "unchanged")],
      ] as const) {
        const answer = await update();
        const after = await server.raw("unchanged");
        const version = secretIn(answer)?.resourceVersion;
        const isSame = Buffer.compare(before.bytes, after.bytes) === 0 && before.modRevision === after.modRevision;
        findings.add(isSame && version !== undefined && version === created?.resourceVersion, {
          sent: `${what}, with ${provider} as the first provider`,
          received: `${wordsOf(answer)}, resourceVersion ${created?.resourceVersion} → ${version}, ${isSame ? "the same" : "other"} stored bytes`,
          expected: "HTTP 200, the same resourceVersion and the same stored bytes",
        });
      }
    }
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;

function patch(server: TestServer, name: string) {
  return server.request({ method: "PATCH", path: server.path(name), body: Buffer.from("{}"), contentType: "application/merge-patch+json" });
}
