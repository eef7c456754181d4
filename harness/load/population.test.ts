import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { Random } from "../random.ts";
import { type Population, population } from "./population.ts";
import { secretBytesMax, shapes } from "./secret-shapes.ts";
import { encodeSecret, type SecretSpec } from "./secret-spec.ts";

const seed = "population-test";

function all(of: Population): SecretSpec[] {
  return Array.from({ length: of.count }, (_, index) => of.at(index));
}

/** The same places without drawing values over and over where only the names count. */
function keys(of: Population): string[] {
  return all(of).map(({ namespace, name }) => `${namespace}/${name}`);
}

function bytesOf({ data }: Pick<SecretSpec, "data">): number {
  return [...data.values()].reduce((sum, value) => sum + value.length, 0);
}

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const labelValue = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

/** What ValidateSecret and ValidateObjectMeta of kube-apiserver v1.37 would find wrong (k8s.io/kubernetes pkg/apis/core/validation). */
function faultsOf(spec: SecretSpec): string[] {
  const { namespace, name, type, labels = {}, data } = spec;
  const faults: string[] = [];
  const demand = (isRight: boolean, fault: string) => {
    if (!isRight) faults.push(fault);
  };
  const isObject = (key: string) => {
    try {
      const parsed: unknown = JSON.parse(Buffer.from(data.get(key) ?? []).toString());
      return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
    } catch {
      return false;
    }
  };
  demand(subdomain.test(name) && name.length <= 253, "name");
  demand(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(namespace) && namespace.length <= 63, "namespace");
  for (const [key, value] of Object.entries(labels))
    demand(key.length <= 63 && value.length <= 63 && labelValue.test(value), `label ${key}`);
  for (const key of data.keys()) demand(/^[-._a-zA-Z0-9]+$/.test(key) && key.length <= 253 && !key.startsWith(".."), `key ${key}`);
  demand(bytesOf(spec) <= secretBytesMax, "size");
  if (type === "kubernetes.io/tls") demand(data.has("tls.crt") && data.has("tls.key"), "tls");
  if (type === "kubernetes.io/dockerconfigjson") demand(isObject(".dockerconfigjson"), "dockerconfigjson");
  if (type === "kubernetes.io/dockercfg") demand(isObject(".dockercfg"), "dockercfg");
  if (type === "kubernetes.io/basic-auth") demand(data.has("username") || data.has("password"), "basic-auth");
  if (type === "kubernetes.io/ssh-auth") demand((data.get("ssh-privatekey")?.length ?? 0) > 0, "ssh-auth");
  demand(type !== "kubernetes.io/service-account-token", "service-account-token");
  return faults;
}

describe("population", () => {
  it("is valid for the API server", () => {
    expect(
      all(population({ secrets: 120, seed })).flatMap((spec) => faultsOf(spec).map((fault) => `${spec.namespace}/${spec.name}: ${fault}`)),
    ).toEqual([]);
  });

  it.each<[string, Partial<SecretSpec>]>([
    ["name", { name: "Upper" }],
    ["namespace", { namespace: "a.b" }],
    ["label owner", { labels: { owner: "a b" } }],
    ["key a/b", { data: new Map([["a/b", new Uint8Array(1)]]) }],
    ["size", { data: new Map([["a", new Uint8Array(secretBytesMax + 1)]]) }],
    ["tls", { type: "kubernetes.io/tls", data: new Map([["tls.crt", new Uint8Array(1)]]) }],
    ["dockerconfigjson", { type: "kubernetes.io/dockerconfigjson", data: new Map([[".dockerconfigjson", Buffer.from("[]")]]) }],
    ["dockercfg", { type: "kubernetes.io/dockercfg" }],
    ["basic-auth", { type: "kubernetes.io/basic-auth" }],
    ["ssh-auth", { type: "kubernetes.io/ssh-auth", data: new Map([["ssh-privatekey", new Uint8Array(0)]]) }],
    ["service-account-token", { type: "kubernetes.io/service-account-token" }],
  ])("would be found invalid by its %s", (fault, change) => {
    expect(faultsOf({ namespace: "a", name: "b", type: "Opaque", data: new Map(), ...change })).toEqual([fault]);
  });

  it.each([1, 3, 10, 49, 50, 51, 99, 250])("has %i distinct names in the order of the etcd keys", (secrets) => {
    const names = keys(population({ secrets, seed }));
    expect(names).toHaveLength(secrets);
    expect(new Set(names).size).toBe(secrets);
    expect(names).toEqual(names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
  });

  it("gives each copy of the whole a namespace of its own, numbered so that the order holds", () => {
    const large = population({ secrets: 50 * 101, seed });
    const tenants = large.namespaces.filter((name) => name.startsWith("tenant-"));
    expect([tenants.length, tenants[0], tenants.at(-1)]).toEqual([100, "tenant-000001", "tenant-000100"]);
    expect(tenants).toEqual(tenants.toSorted());
  });

  it("spreads large Secrets evenly in the order of the keys", () => {
    const places = all(population({ secrets: 500, seed }));
    const large = places.flatMap((spec, index) => (bytesOf(spec) === secretBytesMax ? [index] : []));
    expect(large).toHaveLength(10);
    expect(large.filter((index) => large.includes(index + 1))).toEqual([]);
  });

  it("is repeated by its seed, in any order of asking", () => {
    const one = population({ secrets: 60, seed });
    const other = population({ secrets: 60, seed });
    const backwards = Array.from({ length: 60 }, (_, index) => other.at(59 - index)).toReversed();
    expect(all(one)).toEqual(backwards);
  });

  it("depends on its seed", () => {
    const one = population({ secrets: 10, seed: "one" });
    const other = population({ secrets: 10, seed: "other" });
    expect(keys(one)).toEqual(keys(other));
    expect(all(one).filter((spec, index) => spec.data.size > 0 && bodyOf(spec) === bodyOf(other.at(index)))).toEqual([]);
  });

  it("gives a Secret the same values in populations of any size", () => {
    const find = (secrets: number) => all(population({ secrets, seed })).find(({ name }) => name === "orders-db-credentials");
    expect(find(50)).toEqual(find(1));
    expect(find(120)).toEqual(find(1));
  });

  it("gives no two Secrets the same values", () => {
    const bodies = all(population({ secrets: 120, seed }))
      .filter(({ data }) => data.size > 0)
      .map((spec) => JSON.stringify([...spec.data].map(([key, value]) => [key, Buffer.from(value).toString("base64")])));
    expect(new Set(bodies).size).toBe(bodies.length);
  });

  it("holds no value so short that it might stand somewhere by chance", () => {
    const short = all(population({ secrets: 50, seed })).flatMap(({ name, data }) =>
      [...data].filter(([, value]) => value.length < 5).map(([key]) => `${name}/${key}`),
    );
    expect(short).toEqual([]);
  });

  it("changes every Secret that has values with its generation, and keeps its size", () => {
    const made = population({ secrets: 50, seed });
    for (let index = 0; index < 50; index++) {
      const before = made.at(index);
      const after = made.at(index, 1);
      expect({ ...after, data: [...after.data].map(([key, value]) => [key, value.length]) }).toEqual({
        ...before,
        data: [...before.data].map(([key, value]) => [key, value.length]),
      });
      if (before.data.size > 0) expect(bodyOf(after)).not.toBe(bodyOf(before));
    }
  });

  it("lists the namespaces that have to be created", () => {
    expect(population({ secrets: 50, seed }).namespaces).toEqual([
      "argocd",
      "cert-manager",
      "external-dns",
      "ingress-nginx",
      "monitoring",
      "velero",
    ]);
    expect(population({ secrets: 1, seed }).namespaces).toEqual([]);
  });

  it("stands apart under a prefix, with the same contents in the same order", () => {
    const plain = population({ secrets: 50, seed });
    const apart = population({ secrets: 50, seed, namespacePrefix: "kmsmark-1a2b-" });
    expect(apart.namespaces).toHaveLength(8);
    expect(all(apart)).toEqual(all(plain).map((spec) => ({ ...spec, namespace: `kmsmark-1a2b-${spec.namespace}` })));
  });

  it("has every type and one Secret of exactly 1 MiB among ten", () => {
    const ten = all(population({ secrets: 10, seed }));
    expect(new Set(ten.map(({ type }) => type)).size).toBe(new Set(shapes.map(({ type }) => type)).size);
    expect(ten.filter((spec) => bytesOf(spec) === 1_048_576)).toHaveLength(1);
  });

  it.each([0, -1, 1.5, Number.NaN])("refuses %s Secrets", (secrets) => {
    expect(() => population({ secrets, seed })).toThrow(RangeError);
  });

  it.each([-1, 50, 0.5])("has no Secret %s of 50", (index) => {
    expect(() => population({ secrets: 50, seed }).at(index)).toThrow(RangeError);
  });
});

describe("docs/population.md", () => {
  it("shows the shapes as they are", async () => {
    const rows = shapes.map((shape) => {
      const data = shape.draw(new Random(seed));
      return `| ${shape.namespace} | ${shape.name} | ${shape.type} | ${shape.holds} | ${data.size} | ${bytesOf({ data })} |`;
    });
    const sizes = shapes.map((shape) => bytesOf({ data: shape.draw(new Random(seed)) })).toSorted((a, b) => a - b);
    const sum = sizes.reduce((total, size) => total + size, 0);
    const text = await readFile(new URL("../../docs/population.md", import.meta.url), "utf8");
    expect(text.split("\n").filter((line) => /^\| [a-z]/.test(line) && !line.startsWith("| namespace"))).toEqual(rows);
    expect(text).toContain(`${shapes.length} Secrets hold ${sum} bytes; the median is ${sizes[25]}, the largest ${sizes.at(-1)}.`);
  });
});

function bodyOf(spec: SecretSpec): string {
  return Buffer.from(encodeSecret(spec).body).toString();
}
