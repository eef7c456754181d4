import { randomBytes } from "node:crypto";
import { parseStoredValue } from "../../../harness/envelope/index.ts";
import type { EncryptionConfiguration } from "../../../harness/target/encryption-configuration.ts";
import type { TestServer } from "../apiserver-server.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";

/** One object of each kind that the rules tell apart. Leases are of a group of their own; the embedded model has none. */
const objects = {
  secrets: { kind: "Secret", apiVersion: "v1", path: "api/v1" },
  configmaps: { kind: "ConfigMap", apiVersion: "v1", path: "api/v1" },
  leases: { kind: "Lease", apiVersion: "coordination.k8s.io/v1", path: "apis/coordination.k8s.io/v1" },
} as const;
type Resource = keyof typeof objects;

const rules: readonly { readonly resources: readonly string[]; readonly expected: Readonly<Record<Resource, string>> }[] = [
  { resources: ["secrets", "*.", "*.*"], expected: { secrets: "secrets", configmaps: "*.", leases: "*.*" } },
  { resources: ["secrets", "*.*"], expected: { secrets: "secrets", configmaps: "*.*", leases: "*.*" } },
  {
    resources: ["secrets", "*.coordination.k8s.io"],
    expected: { secrets: "secrets", configmaps: "nobody", leases: "*.coordination.k8s.io" },
  },
];

export const check = {
  id: "apiserver/fr-09-resource-lookup",
  title: "A resource is encrypted as its own name says, else as its group's wildcard, else as *.*, else not at all.",
  level: "MUST",
  invariants: ["FR-09"],
  source: "spec encryption-at-rest 0.5; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go",
  needs: ["configure", "store"],
  remedy: "Name every resource that has to be encrypted, and look in etcd whether it is.",
  async run(subject) {
    const findings = new Findings();
    for (const { resources, expected } of rules) {
      await using stage = await subject.stage();
      const server = await stage.startServer({ encryption: oneKeyEach(resources) });
      for (const resource of ["secrets", "configmaps", "leases"] as const) {
        const writer = await writerOf(server, resource);
        if (writer === undefined) continue;
        findings.add(writer === expected[resource], {
          sent: `one of ${resource}, with a key each for ${resources.join(", ")}`,
          received: `stored under the key of ${writer}`,
          expected: `stored under the key of ${expected[resource]}`,
        });
      }
    }
    return findings.outcome(9);
  },
} satisfies Check<ApiserverSubject>;

/** A list item for each resource, with a key that bears its name. */
function oneKeyEach(resources: readonly string[]): EncryptionConfiguration {
  return {
    resources: resources.map((name) => ({
      resources: [name],
      providers: [{ kind: "aesgcm", keys: [{ name, secret: randomBytes(32) }] }],
    })),
  };
}

/** Creates an object and looks under whose key it lies in etcd: `nobody`'s where it is not encrypted; undefined where there are no leases. */
async function writerOf(server: TestServer, resource: Resource): Promise<string | undefined> {
  const { kind, apiVersion, path } = objects[resource];
  const body = Buffer.from(JSON.stringify({ kind, apiVersion, metadata: { name: "looked-up", namespace: server.namespace } }));
  const answer = await server.request({ method: "POST", path: `/${path}/namespaces/${server.namespace}/${resource}`, body });
  if (answer.status === 404 && resource === "leases") return undefined;
  await server.succeed(Promise.resolve(answer));
  const key = `${server.plane.etcdPrefix}/${resource}/${server.namespace}/looked-up`;
  const stored = await server.store.get(key, server.signal);
  if (stored === undefined) throw new Error(`The store has no ${key}.`);
  const value = parseStoredValue(stored.value);
  if (value.kind === "identity") return "nobody";
  return value.kind === "aesgcm" ? value.keyName : value.kind;
}
