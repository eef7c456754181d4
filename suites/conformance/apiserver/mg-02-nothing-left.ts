import type { StoredValue } from "../../../harness/envelope/index.ts";
import { type ApiserverSubject, type KnownServer, sharedProviders } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { replaceAll } from "../migration.ts";
import { reseal } from "../offline.ts";

const ofEachProvider = 12;

export const check = {
  id: "apiserver/mg-02-nothing-left",
  title: "After a migration every Secret lies in etcd under the new provider and its current key.",
  level: "MUST",
  invariants: ["MG-02"],
  source: "spec encryption-at-rest 2.7, 6.3",
  needs: ["configure", "store"],
  remedy: "Keep the old provider or key until etcd holds nothing of it: removing it now loses what is left.",
  async run(subject) {
    const findings = new Findings();
    await using stage = await subject.shared("kms-v2");
    const { server } = stage;
    const names = new Map<string, string>();
    for (const provider of sharedProviders.filter((each) => each !== "kms-v2")) {
      for (let index = 0; index < ofEachProvider; index++) {
        const name = `${provider}-${index}`;
        names.set(name, `value of ${name}`);
        await server.succeed(server.create(name, `value of ${name}`));
        await reseal(stage, name, provider);
      }
    }
    const before = await leftovers(stage, names);
    const { refused, shown } = await replaceAll(server);
    const after = await leftovers(stage, names);
    const intact = [...names].filter(([name, value]) => shown.get(name) === value).length;
    findings.add(before === names.size && after === 0 && refused === 0, {
      sent: `a list of ${names.size} Secrets that five other providers stored, and a PUT of each as it is`,
      received: `before ${before} and after ${after} are not by kms-v2 under its current key_id; ${refused} refused`,
      expected: `${names.size} before, 0 after`,
    });
    findings.add(intact === names.size, {
      sent: "the answers to those PUTs",
      received: `${intact} of ${names.size} with the value that was written first`,
      expected: "all of them",
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;

/** How many are not stored as the first provider stores now. */
async function leftovers({ server, kms, names: { "kms-v2": provider } }: KnownServer, names: ReadonlyMap<string, string>): Promise<number> {
  const isCurrent = (value: StoredValue) => value.kind === "kms-v2" && value.providerName === provider && value.object.keyId === kms.keyId;
  let left = 0;
  for (const name of names.keys()) if (!isCurrent((await server.stored(name)).value)) left++;
  return left;
}
