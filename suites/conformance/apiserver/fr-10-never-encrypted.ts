import type { Store } from "../../../harness/target/target.ts";
import { newAesGcm } from "../apiserver-reload.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings, inconclusive, notApplicable } from "../check.ts";

/** What kube-apiserver stores without its REST storage; not every server has something of each. */
const plainFolders = ["masterleases/", "peerserverleases/", "ranges/serviceips", "ranges/servicenodeports"];

export const check = {
  id: "apiserver/fr-10-never-encrypted",
  title: "Leases of API servers and ranges of addresses and ports are never encrypted, not even by *.*.",
  level: "MUST",
  invariants: ["FR-10"],
  source: "spec encryption-at-rest 0.5; kubernetes test/integration/controlplane/transformation/kms_transformation_test.go",
  needs: ["configure", "store"],
  remedy: "An older API server beside this one cannot read what it stores there: do not run them together.",
  async run(subject) {
    await using stage = await subject.stage();
    const server = await stage.startServer({ encryption: { resources: [{ resources: ["*.*"], providers: [newAesGcm()] }] } });
    const root = `${server.plane.etcdPrefix}/`;
    const namespaces = await countIn(server.store, `${root}namespaces/`, server.signal);
    if (namespaces.encrypted === 0) return inconclusive("The namespaces are not encrypted either, so that *.* does nothing here.");
    const findings = new Findings();
    for (const folder of plainFolders) {
      const { keys, encrypted } = await countIn(server.store, root + folder, server.signal);
      if (keys === 0) continue;
      findings.add(encrypted === 0, {
        sent: `a start with *.*, which encrypts ${namespaces.encrypted} of ${namespaces.keys} namespaces`,
        received: `${encrypted} of ${keys} keys under ${root}${folder} are encrypted`,
        expected: "none of them",
      });
    }
    const outcome = findings.outcome();
    return outcome.evidence.length === 0 ? notApplicable(`This API server stores nothing under ${plainFolders.join(", ")}.`) : outcome;
  },
} satisfies Check<ApiserverSubject>;

async function countIn(store: Store, prefix: string, signal: AbortSignal): Promise<{ readonly keys: number; readonly encrypted: number }> {
  let [keys, encrypted] = [0, 0];
  for await (const { value } of store.list(prefix, signal)) {
    keys++;
    if (Buffer.from(value).subarray(0, 8).equals(Buffer.from("k8s:enc:"))) encrypted++;
  }
  return { keys, encrypted };
}
