import { secretsIn } from "../answers.ts";
import { secretsBy } from "../apiserver-reload.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { replaceAll } from "../migration.ts";

const staleSecrets = 60;
const freshSecrets = 5;

export const check = {
  id: "apiserver/mg-01-replace-all",
  title: "Replacing every Secret by itself after a change of provider writes exactly the stale ones anew, and the second time none.",
  level: "MUST",
  invariants: ["MG-01"],
  source: "spec encryption-at-rest 6.3; k8s.io/apiserver pkg/storage/etcd3/store.go",
  needs: ["configure", "restart", "store"],
  remedy: "Do not remove the old provider after `kubectl get secrets -A -o json | kubectl replace -f -`: look in etcd for what is left.",
  async run(subject) {
    await using stage = await subject.stage();
    const { socket } = await stage.startKms();
    const v1 = { kind: "kms", apiVersion: "v1", name: "old", socket } as const;
    const v2 = { kind: "kms", apiVersion: "v2", name: "new", socket } as const;
    const server = await stage.startServer({ encryption: secretsBy(v1) });
    for (let index = 0; index < staleSecrets; index++) await server.succeed(server.create(`stale-${index}`, `value ${index}`));
    await server.restart({ encryption: secretsBy(v2, v1) });
    for (let index = 0; index < freshSecrets; index++) await server.succeed(server.create(`fresh-${index}`, `value ${index}`));

    const findings = new Findings();
    const stale = new Set(secretsIn(await server.list()).flatMap(({ name }) => (name.startsWith("stale-") ? [name] : [])));
    const first = await replaceAll(server);
    findings.add(first.refused === 0 && first.rewritten.size === staleSecrets && stale.isSubsetOf(first.rewritten), {
      sent: `a list of ${first.total} Secrets and a PUT of each as it is; KMS v1 stored ${staleSecrets} of them before KMS v2 was put first`,
      received: `${first.rewritten.size} with another resourceVersion and revision, ${first.refused} refused`,
      expected: `the ${staleSecrets} of KMS v1 and no other`,
    });
    const second = await replaceAll(server);
    findings.add(second.refused === 0 && second.total === staleSecrets + freshSecrets && second.rewritten.size === 0, {
      sent: "the same once more",
      received: `${second.rewritten.size} of ${second.total} with another resourceVersion or revision, ${second.refused} refused`,
      expected: "none",
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
