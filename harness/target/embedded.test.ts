import { Agent, type Dispatcher, request } from "undici";
import { describe, expect, it } from "vitest";
import { type Clock, systemClock } from "../clock.ts";
import { parseStoredValue } from "../envelope/index.ts";
import { Lease } from "../lease.ts";
import { VirtualClock } from "../virtual-clock.ts";
import { FakeKms } from "./embedded/fake-kms.ts";
import { createEmbeddedTarget } from "./embedded.ts";
import type { EncryptionConfiguration, ProviderConfiguration } from "./encryption-configuration.ts";

const v2: ProviderConfiguration = { kind: "kms", apiVersion: "v2", name: "one", socket: "/unused" };
const v1: ProviderConfiguration = { kind: "kms", apiVersion: "v1", name: "old", socket: "/unused" };
const identity: ProviderConfiguration = { kind: "identity" };
const key = (name: string, byte: number) => ({ name, secret: new Uint8Array(32).fill(byte) });
const aesgcm: ProviderConfiguration = { kind: "aesgcm", keys: [key("key1", 1)] };

const secretsWith = (...providers: ProviderConfiguration[]): EncryptionConfiguration => ({
  resources: [{ resources: ["secrets"], providers }],
});

/** What these tests look at in an answer's JSON; which of it is there depends on the request. */
interface Body {
  readonly kind: string;
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly gitVersion: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly continue: string;
    readonly remainingItemCount: number;
  };
  readonly data: Readonly<Record<string, string>>;
  readonly items: readonly Body[];
  readonly status: { readonly phase: string };
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly json: Body;
}

const namesIn = ({ json }: Answer) => json.items.map(({ metadata }) => metadata.name);

/** A running embedded control plane with a client and a KMS that counts. */
async function start(encryption: EncryptionConfiguration | undefined, options: { clock?: Clock; gates?: Record<string, boolean> } = {}) {
  const kms = new FakeKms();
  const lease = Lease.take("test", async () => {});
  const plane = await createEmbeddedTarget(kms).start({
    kubernetesVersion: "v1.37.2",
    etcdVersion: "v3.7.3",
    encryption,
    featureGates: { DetectCacheInconsistency: false, ...options.gates },
    lease,
    clock: options.clock ?? systemClock,
    signal: new AbortController().signal,
  });
  const agent = new Agent({ connect: { ca: plane.api.caPem } });
  const token = plane.api.identity.kind === "token" ? plane.api.identity.token : "";
  /** Resolves with the head of the answer. */
  const open = (method: Dispatcher.HttpMethod, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    request(plane.api.url + path, {
      method,
      dispatcher: agent,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
  const call = async (...sent: Parameters<typeof open>): Promise<Answer> => {
    const answer = await open(...sent);
    const text = await answer.body.text();
    return { status: answer.statusCode, text, json: JSON.parse(text.startsWith("{") ? text : "{}") };
  };
  const metric = async (name: string): Promise<number> => {
    const lines = (await call("GET", "/metrics")).text
      .split("\n")
      .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
  };
  const transforms = async (): Promise<[number, number]> => {
    const lines = (await call("GET", "/metrics")).text.split("\n");
    const sum = (type: string) =>
      lines
        .filter(
          (line) => line.startsWith("apiserver_storage_transformation_operations_total{") && line.includes(`transformation_type="${type}"`),
        )
        .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
    return [sum("from_storage"), sum("to_storage")];
  };
  /** Transforms from and to storage, and KMS calls, that a request costs. */
  const costOf = async (run: () => Promise<Answer>) => {
    const [from, to] = await transforms();
    kms.takeCalls();
    const answer = await run();
    const [fromAfter, toAfter] = await transforms();
    return { status: answer.status, from: fromAfter - from, to: toAfter - to, calls: kms.takeCalls() };
  };
  const store = plane.store;
  if (store === undefined) throw new Error("the embedded target has a store");
  return {
    plane,
    kms,
    store,
    open,
    call,
    metric,
    costOf,
    restart: (change: { encryption?: EncryptionConfiguration } = {}) => plane.stopApiServer().then(() => plane.startApiServer(change)),
    async [Symbol.asyncDispose]() {
      await agent.close();
      await plane[Symbol.asyncDispose]();
      await lease.release();
    },
  };
}

const base = "/api/v1/namespaces/default/secrets";
const secret = (name: string, value = "hunter2", more: Record<string, unknown> = {}) => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, ...more },
  type: "Opaque",
  data: { password: Buffer.from(value).toString("base64") },
});

describe("the Secrets API", () => {
  it("creates, reads, changes, patches and removes", async () => {
    await using it = await start(secretsWith(v2));
    const created = await it.call("POST", base, secret("a"));
    expect([created.status, created.json.kind, created.json.metadata.namespace]).toEqual([201, "Secret", "default"]);
    const read = await it.call("GET", `${base}/a`);
    expect(read.json).toEqual(created.json);
    const put = await it.call("PUT", `${base}/a`, { ...read.json, data: { password: "bmV3" } });
    expect([put.status, put.json.metadata.uid]).toEqual([200, created.json.metadata.uid]);
    expect(Number(put.json.metadata.resourceVersion)).toBe(Number(created.json.metadata.resourceVersion) + 1);
    const patch = await it.call(
      "PATCH",
      `${base}/a`,
      { metadata: { labels: { app: "x" } }, data: { password: null, other: "b3RoZXI=" } },
      { "content-type": "application/merge-patch+json" },
    );
    expect([patch.status, patch.json.data, patch.json.metadata.labels]).toEqual([200, { other: "b3RoZXI=" }, { app: "x" }]);
    const removed = await it.call("DELETE", `${base}/a`);
    expect(removed.json).toMatchObject({ kind: "Status", status: "Success", details: { name: "a", kind: "secrets" } });
    expect((await it.call("GET", `${base}/a`)).json).toEqual({
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: 'secrets "a" not found',
      reason: "NotFound",
      details: { name: "a", kind: "secrets" },
      code: 404,
    });
  });

  it("tells conflicts as kube-apiserver does", async () => {
    await using it = await start(secretsWith(v2));
    const { json } = await it.call("POST", base, secret("a"));
    expect((await it.call("POST", base, secret("a"))).json).toMatchObject({
      code: 409,
      reason: "AlreadyExists",
      message: 'secrets "a" already exists',
    });
    const old = await it.call("PUT", `${base}/a`, secret("a", "new", { resourceVersion: "1" }));
    expect(old.json).toMatchObject({
      code: 409,
      reason: "Conflict",
      message:
        'Operation cannot be fulfilled on secrets "a": the object has been modified; please apply your changes to the latest version and try again',
    });
    expect((await it.call("PUT", `${base}/b`, secret("b"))).status).toBe(404);
    const other = { preconditions: { uid: "another" } };
    expect((await it.call("DELETE", `${base}/a`, other)).json.reason).toBe("Conflict");
    expect((await it.call("GET", `${base}/a`)).json.metadata.uid).toBe(json.metadata.uid);
  });

  it("lists pages over all namespaces in key order", async () => {
    await using it = await start(secretsWith(v2));
    await it.call("POST", "/api/v1/namespaces", { metadata: { name: "team" } });
    for (const name of ["c", "a", "b"]) await it.call("POST", base, secret(name));
    await it.call("POST", "/api/v1/namespaces/team/secrets", secret("z"));
    const first = await it.call("GET", "/api/v1/secrets?limit=3");
    expect([namesIn(first), first.json.metadata.remainingItemCount, first.json.kind]).toEqual([["a", "b", "c"], 1, "SecretList"]);
    const second = await it.call("GET", `/api/v1/secrets?limit=3&continue=${first.json.metadata.continue}`);
    expect([namesIn(second), second.json.metadata.continue]).toEqual([["z"], undefined]);
    expect(namesIn(await it.call("GET", base))).toEqual(["a", "b", "c"]);
  });

  it("has namespaces: made at the start, needed for secrets, terminating for ever", async () => {
    await using it = await start(secretsWith(v2));
    const list = await it.call("GET", "/api/v1/namespaces");
    expect(namesIn(list)).toEqual(["default", "kube-node-lease", "kube-public", "kube-system"]);
    expect((await it.call("POST", "/api/v1/namespaces/none/secrets", secret("a"))).json.message).toBe('namespaces "none" not found');
    await it.call("POST", "/api/v1/namespaces", { metadata: { name: "team" } });
    const deleted = await it.call("DELETE", "/api/v1/namespaces/team");
    expect(deleted.json.status.phase).toBe("Terminating");
    expect((await it.call("POST", "/api/v1/namespaces/team/secrets", secret("a"))).status).toBe(403);
  });

  it("watches what is there and what changes, until the time of the watch is over", async () => {
    const clock = new VirtualClock();
    await using it = await start(secretsWith(v2), { clock });
    await it.call("POST", base, secret("a"));
    const watch = await it.open("GET", `${base}?watch=true&timeoutSeconds=5`);
    await it.call("POST", base, secret("b"));
    await it.call("PUT", `${base}/b`, { ...secret("b"), data: {} });
    await it.call("DELETE", `${base}/b`);
    await clock.advance(5000);
    const events = (await watch.body.text()).trimEnd().split("\n");
    const told = events.map((line) => {
      const { type, object }: { type: string; object: Body } = JSON.parse(line);
      return `${type} ${object.kind} ${object.metadata.name}`;
    });
    expect(told).toEqual(["ADDED Secret a", "ADDED Secret b", "MODIFIED Secret b", "DELETED Secret b"]);
  });

  it("refuses what it does not understand without telling values", async () => {
    await using it = await start(secretsWith(v2));
    expect((await it.call("POST", base, "{")).json).toMatchObject({ code: 400, reason: "BadRequest" });
    const bad = await it.call("POST", base, { metadata: { name: "a" }, data: { password: "!hunter2!" } });
    expect([bad.status, bad.text.includes("hunter2")]).toEqual([400, false]);
    expect((await it.call("POST", base, secret("A B"))).status).toBe(422);
    expect((await it.call("POST", base, { ...secret("a"), data: { big: Buffer.alloc(1024 * 1024 + 1).toString("base64") } })).status).toBe(
      422,
    );
    expect((await it.call("POST", base, " ".repeat(3 * 1024 * 1024 + 1))).json).toMatchObject({ code: 413 });
    expect((await it.call("GET", "/api/v1/secrets?labelSelector=a")).status).toBe(400);
    expect((await it.call("POST", `${base}/a`, secret("a"))).status).toBe(405);
    expect((await it.call("PATCH", `${base}/a`, {}, { "content-type": "application/json-patch+json" })).status).toBe(415);
    expect((await it.call("GET", "/api/v1/pods")).text).toBe("404 page not found\n");
    expect((await it.call("GET", base, undefined, { authorization: "Bearer wrong" })).json).toMatchObject({
      code: 401,
      reason: "Unauthorized",
    });
  });

  it("says at /version that it is a model", async () => {
    await using it = await start(undefined);
    expect((await it.call("GET", "/version")).json.gitVersion).toBe("v1.37.2+kmsmark.model");
  });
});

describe("transforms and KMS calls of a request (spec 6.1)", () => {
  const json = "application/merge-patch+json";

  it.each([
    ["KMS v2", v2, {}],
    ["KMS v1", v1, { Encrypt: 1 }],
  ])("%s", async (_, provider, written) => {
    await using it = await start(secretsWith(provider, identity));
    await it.call("POST", base, secret("first"));
    expect(await it.costOf(() => it.call("POST", base, secret("a")))).toEqual({ status: 201, from: 1, to: 1, calls: written });
    expect(await it.costOf(() => it.call("POST", base, secret("a")))).toEqual({ status: 409, from: 1, to: 1, calls: written });
    expect(await it.costOf(() => it.call("POST", `${base}?dryRun=All`, secret("b")))).toEqual({ status: 201, from: 0, to: 0, calls: {} });
    expect(await it.costOf(() => it.call("GET", `${base}/a`))).toEqual({ status: 200, from: 1, to: 0, calls: {} });
    for (const query of ["/a?resourceVersion=0", "", "?resourceVersion=0", "?limit=500"]) {
      expect(await it.costOf(() => it.call("GET", base + query))).toEqual({ status: 200, from: 0, to: 0, calls: {} });
    }
    expect(await it.costOf(() => it.call("GET", "/api/v1/secrets"))).toEqual({ status: 200, from: 0, to: 0, calls: {} });
    expect(await it.costOf(() => it.call("PUT", `${base}/a`, secret("a", "new")))).toEqual({ status: 200, from: 1, to: 1, calls: written });
    const current = (await it.call("GET", `${base}/a`)).json;
    expect(await it.costOf(() => it.call("PUT", `${base}/a`, current))).toEqual({ status: 200, from: 1, to: 0, calls: {} });
    expect(await it.costOf(() => it.call("PATCH", `${base}/a`, {}, { "content-type": json }))).toEqual({
      status: 200,
      from: 1,
      to: 0,
      calls: {},
    });
    expect((await it.call("GET", `${base}/a`)).json.metadata.resourceVersion).toBe(current.metadata.resourceVersion);
    expect(await it.costOf(() => it.call("DELETE", `${base}/a`))).toEqual({ status: 200, from: 2, to: 0, calls: {} });
  });

  it("rewrites a stale object on an update that changes nothing, exactly once", async () => {
    await using it = await start(secretsWith(identity));
    const created = (await it.call("POST", base, secret("a"))).json;
    await it.restart({ encryption: secretsWith(v2, identity) });
    expect((await it.call("GET", `${base}/a`)).json).toEqual(created);
    expect(await it.costOf(() => it.call("PUT", `${base}/a`, created))).toEqual({ status: 200, from: 2, to: 1, calls: {} });
    const rewritten = (await it.call("GET", `${base}/a`)).json;
    expect({ ...rewritten, metadata: { ...rewritten.metadata, resourceVersion: "" } }).toEqual({
      ...created,
      metadata: { ...created.metadata, resourceVersion: "" },
    });
    expect(await it.costOf(() => it.call("PUT", `${base}/a`, rewritten))).toEqual({ status: 200, from: 1, to: 0, calls: {} });
  });

  it("labels metrics by prefix and keeps the KMS counts of the plugin", async () => {
    await using it = await start(secretsWith(v2));
    await it.call("POST", base, secret("a"));
    await it.call("GET", `${base}/a`);
    const { text } = await it.call("GET", "/metrics");
    const to = 'resource="secrets",status="OK",transformation_type="to_storage",transformer_prefix="k8s:enc:kms:v2:one:"';
    const from = to.replace("to_storage", "from_storage");
    expect(text).toContain(`apiserver_storage_transformation_operations_total{${to}} 1\n`);
    expect(text).toContain(`apiserver_storage_transformation_operations_total{${from}} 2\n`);
    const encrypt = 'provider_name="one",method_name="/v2.KeyManagementService/Encrypt",grpc_status_code="OK"';
    expect(text).toContain(`apiserver_envelope_encryption_kms_operations_latency_seconds_count{${encrypt}} 1\n`);
    expect(text).toContain("apiserver_storage_data_key_generation_duration_seconds_count 1\n");
    expect(text).toContain('apiserver_envelope_encryption_dek_source_cache_size{provider_name="one"} 1\n');
    expect(await it.metric("apiserver_envelope_encryption_key_id_hash_total")).toBe(3);
    expect(await it.metric("apiserver_storage_envelope_transformation_cache_misses_total")).toBe(0);
  });

  it("counts both levels of a local provider, and identity's write without a name", async () => {
    await using it = await start(secretsWith(aesgcm, identity));
    await it.call("POST", base, secret("a"));
    expect(await it.metric("apiserver_storage_transformation_operations_total")).toBe(4);
    await it.restart({ encryption: secretsWith(identity, aesgcm) });
    await it.call("POST", base, secret("b"));
    const { text } = await it.call("GET", "/metrics");
    expect(text).toContain('transformation_type="to_storage",transformer_prefix=""} 1\n');
    expect(text).toContain('transformation_type="from_storage",transformer_prefix="identity"} 1\n');
    expect(text).toContain('transformation_type="from_storage",transformer_prefix="key1:"} 1\n');
  });
});

describe("start and restart (spec 7)", () => {
  const fill = async (it: Awaited<ReturnType<typeof start>>, count: number, from = 0) => {
    for (let index = 0; index < count; index++) await it.call("POST", base, secret(`s${from + index}`));
  };

  it("KMS v2: one Status and one Encrypt, and one Decrypt for each distinct DEK source", async () => {
    await using it = await start(secretsWith(v2));
    expect(it.kms.takeCalls()).toEqual({ Status: 1, Encrypt: 1 });
    await fill(it, 30);
    expect(it.kms.takeCalls()).toEqual({});
    await it.restart();
    expect(it.kms.takeCalls()).toEqual({ Status: 1, Encrypt: 1, Decrypt: 1 });
    await fill(it, 30, 30);
    await it.restart();
    expect(it.kms.takeCalls()).toEqual({ Status: 1, Encrypt: 1, Decrypt: 2 });
    for (let index = 0; index < 60; index++) expect((await it.call("GET", `${base}/s${index}`)).status).toBe(200);
    expect(it.kms.takeCalls()).toEqual({});
  });

  it("KMS v2: ten Decrypts for one DEK source where ten values are decoded at once", async () => {
    await using it = await start(secretsWith(v2), { gates: { ConcurrentWatchObjectDecode: true } });
    await fill(it, 30);
    it.kms.takeCalls();
    await it.restart();
    expect(it.kms.takeCalls()).toEqual({ Status: 1, Encrypt: 1, Decrypt: 10 });
  });

  it("KMS v1: one Decrypt for each object, beside the handshake and the health check", async () => {
    await using it = await start(secretsWith(v1));
    expect(it.kms.takeCalls()).toEqual({ Version: 1, Encrypt: 1, Decrypt: 1 });
    await fill(it, 30);
    expect(it.kms.takeCalls()).toEqual({ Encrypt: 30 });
    await it.restart();
    expect(it.kms.takeCalls()).toEqual({ Version: 1, Encrypt: 1, Decrypt: 31 });
    expect(await it.metric("apiserver_storage_envelope_transformation_cache_misses_total")).toBe(30);
  });

  it("KMS v1: more objects than the cache holds miss on every read", async () => {
    await using it = await start(secretsWith({ kind: "kms", apiVersion: "v1", name: "old", socket: "/unused", cacheSize: 5 }));
    await fill(it, 10);
    it.kms.takeCalls();
    for (let pass = 0; pass < 2; pass++) for (let index = 0; index < 10; index++) await it.call("GET", `${base}/s${index}`);
    expect(it.kms.takeCalls()).toEqual({ Decrypt: 20 });
    expect(await it.metric("apiserver_envelope_encryption_dek_cache_fill_percent")).toBe(1);
  });

  it("keeps the address and the objects", async () => {
    await using it = await start(secretsWith(v2));
    const created = (await it.call("POST", base, secret("a"))).json;
    await it.plane.stopApiServer();
    await expect(it.call("GET", `${base}/a`)).rejects.toThrow();
    await it.plane.startApiServer();
    expect((await it.call("GET", `${base}/a`)).json).toEqual(created);
  });

  it("refuses KMS v1 when its gate is off", async () => {
    await expect(start(secretsWith(v1), { gates: { KMSv1: false } })).rejects.toMatchObject({
      code: "bad-encryption-configuration",
      message: expect.stringContaining("KMSv1 is deprecated"),
    });
  });
});

describe("stored bytes", () => {
  it.each([
    ["kms-v2", v2],
    ["kms-v1", v1],
    ["aesgcm", aesgcm],
    ["aescbc", { kind: "aescbc", keys: [key("key1", 1)] }],
    ["secretbox", { kind: "secretbox", keys: [key("key1", 1)] }],
  ] as const)("of %s hide the value and are bound to the configuration", async (kind, provider) => {
    await using it = await start(secretsWith(provider));
    await it.call("POST", base, secret("a"));
    const stored = await it.store.get("/registry/secrets/default/a");
    expect(parseStoredValue(stored?.value ?? new Uint8Array(0)).kind).toBe(kind);
    expect(Buffer.from(stored?.value ?? []).includes("hunter2")).toBe(false);
    await it.restart();
    expect((await it.call("GET", `${base}/a`)).json.data).toEqual({ password: "aHVudGVyMg==" });
  });

  it("moved to another key fail with kube-apiserver's text, break the list, and heal when they are removed", async () => {
    const clock = new VirtualClock();
    await using it = await start(secretsWith(v2), { clock });
    await it.call("POST", base, secret("a"));
    const stored = await it.store.get("/registry/secrets/default/a");
    await it.store.put("/registry/secrets/default/b", stored?.value ?? new Uint8Array(0));
    const detail = "AdditionalErrorMsg: data from the storage is not transformable revision=0: cipher: message authentication failed";
    const read = await it.call("GET", `${base}/b`);
    expect([read.status, read.json.message]).toEqual([
      500,
      `Internal error occurred: StorageError: corrupt object, Code: 7, Key: /secrets/default/b, ResourceVersion: 0, ${detail}`,
    ]);
    expect((await it.call("GET", base)).json.message).toContain("Key: /registry/secrets/default/b,");
    expect((await it.call("GET", `${base}?resourceVersion=0`)).json.items).toHaveLength(1);
    expect((await it.call("GET", `${base}/a`)).status).toBe(200);
    expect((await it.call("POST", base, secret("c"))).status).toBe(201);
    expect((await it.call("GET", "/readyz")).status).toBe(200);
    await it.store.delete("/registry/secrets/default/b");
    await clock.advance(1000);
    expect((await it.call("GET", base)).json.items).toHaveLength(2);
  });

  it("of an unknown prefix are told so and counted", async () => {
    await using it = await start(secretsWith(v2));
    await it.store.put("/registry/secrets/default/b", Buffer.from("k8s:enc:kms:v2:two:x"));
    expect((await it.call("GET", `${base}/b`)).json.message).toContain("no matching prefix found");
    expect((await it.call("GET", "/metrics")).text).toContain(
      'status="unknown-non-grpc",transformation_type="from_storage",transformer_prefix="unknown"',
    );
  });

  it("that cannot be read are removed only when that is asked for", async () => {
    await using it = await start(secretsWith(v2));
    await it.store.put("/registry/secrets/default/b", Buffer.from("k8s:enc:kms:v2:two:x"));
    expect((await it.call("DELETE", `${base}/b`)).status).toBe(500);
    expect((await it.call("DELETE", `${base}/b`, { ignoreStoreReadErrorWithClusterBreakingPotential: true })).status).toBe(200);
    expect(await it.store.get("/registry/secrets/default/b")).toBeUndefined();
  });
});

describe("a KMS v2 plugin in trouble (spec 2.5)", () => {
  it("lets writes expire 180 s after the last good Status while reads go on, and heals", async () => {
    const clock = new VirtualClock();
    await using it = await start(secretsWith(v2), { clock });
    await it.call("POST", base, secret("a"));
    it.kms.broken.add("Status");
    await clock.advance(180_000);
    expect((await it.call("POST", base, secret("b"))).status).toBe(201);
    await clock.advance(1);
    const failed = await it.call("POST", base, secret("c"));
    expect([failed.status, failed.json.message]).toEqual([
      500,
      expect.stringMatching(
        /^Internal error occurred: encryptedDEKSource with keyID hash "sha256:[0-9a-f]{64}" expired at 2026-01-01T00:03:00Z/,
      ),
    ]);
    const current = (await it.call("GET", `${base}/a`)).json;
    expect((await it.call("PUT", `${base}/a`, current)).status).toBe(200);
    it.kms.broken.clear();
    await clock.advance(10_000);
    expect((await it.call("POST", base, secret("c"))).status).toBe(201);
  });

  it("rotates within 60 s of a new key_id, after which older objects are stale", async () => {
    const clock = new VirtualClock();
    await using it = await start(secretsWith(v2), { clock });
    const created = (await it.call("POST", base, secret("a"))).json;
    it.kms.keyId = "key-2";
    it.kms.takeCalls();
    await clock.advance(60_000);
    expect(it.kms.takeCalls()).toEqual({ Status: 1, Encrypt: 1 });
    expect(await it.costOf(() => it.call("PUT", `${base}/a`, created))).toEqual({ status: 200, from: 2, to: 1, calls: {} });
    const stored = await it.store.get("/registry/secrets/default/a");
    expect(parseStoredValue(stored?.value ?? new Uint8Array(0))).toMatchObject({ object: { keyId: "key-2" } });
  });

  it.each([
    ["v2", v2, "invalid seed length 31 used for key generation"],
    ["v1", v1, "crypto/aes: invalid key size 31"],
  ] as const)("is not believed when %s decrypts to what cannot be a key", async (_, provider, text) => {
    const clock = new VirtualClock();
    await using it = await start(secretsWith(provider), { clock });
    await it.call("POST", base, secret("a"));
    it.kms.missingBytes = 1;
    await it.plane.stopApiServer();
    let given: unknown;
    const starting = it.plane.startApiServer().catch((thrown: unknown) => {
      given = thrown;
    });
    while (given === undefined) await clock.advance(1000);
    await starting;
    expect(given).toMatchObject({ code: "api-server-not-ready" });
    expect((await it.call("GET", "/readyz")).status).toBe(500);
    expect((await it.call("GET", base)).json.message).toBe("storage is (re)initializing");
    it.kms.takeCalls();
    for (let read = 0; read < 2; read++) expect((await it.call("GET", `${base}/a`)).json.message).toContain(text);
    expect(it.kms.takeCalls()).toEqual({ Decrypt: 2 });
    it.kms.missingBytes = 0;
    expect((await it.call("GET", `${base}/a`)).status).toBe(200);
    await clock.advance(1000);
    expect((await it.call("GET", "/readyz")).text).toBe("ok");
  });

  it("shows in health endpoints by the names of 4.5, not in livez", async () => {
    const clock = new VirtualClock();
    await using it = await start(secretsWith(v2), { clock });
    expect((await it.call("GET", "/readyz/kms-providers")).text).toBe("ok");
    it.kms.healthz = "sick";
    await clock.advance(60_000);
    const single = await it.call("GET", "/healthz/kms-providers");
    expect([single.status, single.text]).toEqual([
      500,
      "internal server error: kms-provider-0: kmsv2 Provider one is not healthy, error: got unexpected healthz status: sick\n",
    ]);
    const all = await it.call("GET", "/healthz?verbose");
    expect([all.status, all.text.includes("[-]kms-providers failed: reason withheld")]).toEqual([500, true]);
    expect((await it.call("GET", "/healthz?exclude=kms-providers")).text).toBe("ok");
    expect((await it.call("GET", "/livez")).text).toBe("ok");
    expect((await it.call("GET", "/livez/kms-providers")).status).toBe(404);
  });

  it("is one check for each provider where there is a KMS v1", async () => {
    await using it = await start(secretsWith(v1, v2));
    expect((await it.call("GET", "/readyz/kms-provider-0")).text).toBe("ok");
    expect((await it.call("GET", "/readyz/kms-provider-1")).text).toBe("ok");
    expect((await it.call("GET", "/readyz/kms-providers")).status).toBe(404);
  });
});
