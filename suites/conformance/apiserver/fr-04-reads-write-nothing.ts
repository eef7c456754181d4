import { wordsOf } from "../answers.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings, inconclusive } from "../check.ts";
import { reseal } from "../offline.ts";

const watchSeconds = 1;

export const check = {
  id: "apiserver/fr-04-reads-write-nothing",
  title: "GET, LIST and WATCH leave what is stored as it is, also where it is stale.",
  level: "MUST",
  invariants: ["FR-04"],
  source: "spec encryption-at-rest 6.2; k8s.io/apiserver pkg/storage/etcd3/store.go",
  needs: ["configure", "store"],
  remedy: "Find out what writes when Secrets are only read: it costs a KMS v1 call each time, and hides what a migration did.",
  async run(subject) {
    const findings = new Findings();
    await using stage = await subject.shared("kms-v2");
    const { server } = stage;
    const names = ["fresh", "stale"];
    for (const name of names) await server.succeed(server.create(name, "a value"));
    await reseal(stage, "stale", "aescbc");
    const before = await Promise.all(names.map((name) => server.raw(name)));

    const answers = await Promise.all([
      ...names.flatMap((name) => [server.get(name), server.get(name, { resourceVersion: "0" })]),
      server.list(),
      server.list({ resourceVersion: "0" }),
    ]);
    let hasEnded = false;
    const [watched] = await Promise.all([
      server.watch(watchSeconds).finally(() => {
        hasEnded = true;
      }),
      stage.until(
        async () => {
          await server.get("stale");
          return hasEnded;
        },
        { withinMs: 20_000, everyMs: 100 },
      ),
    ]);
    const refused = [...answers, watched].find(({ failure }) => failure !== undefined);
    if (refused !== undefined) return inconclusive(`A read was refused: ${wordsOf(refused)}`);
    const shown = names.filter((name) => watched.text().includes(`"name":"${name}"`));
    if (shown.length < names.length) return inconclusive(`The watch showed ${shown.length} of ${names.length} Secrets.`);

    const after = await Promise.all(names.map((name) => server.raw(name)));
    for (const [index, name] of names.entries()) {
      const [was, is] = [before[index], after[index]];
      const isSame = was !== undefined && is !== undefined && Buffer.compare(was.bytes, is.bytes) === 0;
      findings.add(isSame && was.modRevision === is.modRevision, {
        sent: `GET, LIST and a WATCH of ${watchSeconds} s of a ${name} Secret, from etcd and from the cache`,
        received: `etcd's revision ${was?.modRevision} → ${is?.modRevision}, ${isSame ? "the same" : "other"} bytes`,
        expected: "the same revision and the same bytes",
      });
    }
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
