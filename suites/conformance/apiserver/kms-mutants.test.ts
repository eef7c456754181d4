import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EncryptedObject, encodeEncryptedObject, parseStoredValue, storedPrefix } from "../../../harness/envelope/index.ts";
import { ApiAnswer } from "../../../harness/load/api-answer.ts";
import type { ApiRequest } from "../../../harness/load/api-client.ts";
import type { CheckResult } from "../../../harness/run/schema.ts";
import type { StoredValue } from "../../../harness/target/target.ts";
import { type Alteration, alteredSubject } from "../apiserver-altered.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { openTestSubject, resultsOf } from "../apiserver-test-subject.ts";
import { apiserverChecks } from "../index.ts";
import type { KmsCall } from "../scripted-kms.ts";

const checks = apiserverChecks.filter(({ id }) => /^apiserver\/k[12]-/.test(id));

/** An API server that is wrong, and what the evidence against it says. */
interface Mutant {
  readonly wrong: string;
  readonly alter: () => Alteration;
  readonly tells: RegExp;
}

const alwaysHealthy: Mutant = {
  wrong: "is healthy whatever the plugin says",
  alter: () => ({ answer: (answer, { path }) => (path.startsWith("/healthz/") ? good : answer) }),
  tells: /^HTTP 200: ok/,
};
const neverHealthy: Mutant = {
  wrong: "does not become healthy again",
  alter: () => ({ answer: (answer, { path }) => (path.startsWith("/healthz/") && answer.status === 200 ? text(500, "sick") : answer) }),
  tells: /^HTTP 500: sick/,
};
const neverRewriting: Mutant = {
  wrong: "never writes what an update does not change",
  alter: () => ({ request: ({ method, path, ...request }) => (method === "PUT" ? { method: "GET", path } : { method, path, ...request }) }),
  tells: /resourceVersion (\d+) → \1,/,
};
const alwaysRewriting: Mutant = { wrong: "writes at every update", alter: () => ({ request: labelling() }), tells: /other stored bytes/ };
const unreadable: Mutant = {
  wrong: "does not read it",
  alter: () => ({ answer: (answer, { method, path }) => (method === "GET" && path.endsWith("/legacy") ? refusal("too old") : answer) }),
  tells: /HTTP 500: too old/,
};
const writingForEver: Mutant = {
  wrong: "goes on writing",
  alter: () => ({ answer: (answer) => (answer.failure?.includes("expired at") ? new ApiAnswer(201, Buffer.from("{}")) : answer) }),
  tells: /never a refusal/,
};
const stoppingEarly: Mutant = {
  wrong: "stops writing long before the end",
  alter: () => ({ answer: afterPosts(8, () => refusal('encryptedDEKSource with keyID hash "sha256:0" expired at')) }),
  tells: /success until \d+ s after the last good Status, at \d\d s|for the last of \d\b/,
};

const mutants: Readonly<Record<string, readonly Mutant[]>> = {
  "k1-01-edek-length": [
    { wrong: "stores the low byte first", alter: () => ({ stored: kmsV1((body) => body.subarray(0, 2).reverse()) }), tells: /other bytes/ },
    {
      wrong: "stores other bytes",
      alter: () => ({ stored: kmsV1((body) => body.fill(0, 2, 3)) }),
      tells: /of 92, and behind it other bytes/,
    },
  ],
  "k1-02-dek-per-write": [
    { wrong: "uses a DEK again", alter: () => ({ calls: plaintexts({ sha256: "the same" }) }), tells: /^1 different plaintexts/ },
    { wrong: "has DEKs of 16 bytes", alter: () => ({ calls: plaintexts({ length: 16 }) }), tells: /plaintexts of 16 bytes/ },
  ],
  "k1-03-encrypt-per-write": [
    { wrong: "encrypts twice", alter: () => ({ calls: times(2, "Encrypt") }), tells: /HTTP 409, 2 Encrypt/ },
    { wrong: "writes what an update does not change", alter: () => ({ request: labelling() }), tells: /HTTP 200, 1 Encrypt/ },
    {
      wrong: "writes a dry run's Secret",
      alter: () => ({ request: (request) => ({ ...request, path: request.path.replace("?dryRun=All", "") }) }),
      tells: /HTTP 201, 1 Encrypt/,
    },
  ],
  "k1-04-own-writes": [
    { wrong: "decrypts what it wrote", alter: () => ({ calls: alsoAs("Encrypt", "Decrypt") }), tells: /^20 Decrypt calls/ },
    { wrong: "misses its cache", alter: () => ({ metrics: growing("cache_misses_total") }), tells: /[1-9]\d* cache misses/ },
  ],
  "k1-05-cache-overrun": [{ wrong: "has a larger cache", alter: () => ({ encryption: withCacheOf(1000) }), tells: /^0 Decrypt calls, 0/ }],
  "k1-06-version-first": [
    { wrong: "asks for the version at each call", alter: () => ({ calls: times(3, "Version") }), tells: /3 Version/ },
    { wrong: "asks for none", alter: () => ({ calls: without("Version") }), tells: /^Encrypt first/ },
  ],
  "k1-06-version-refused": [
    {
      wrong: "takes any version",
      alter: () => ({
        answer: (answer) => (answer.failure?.includes("is not supported") ? new ApiAnswer(200, Buffer.from("{}")) : answer),
      }),
      tells: /^HTTP 200/,
    },
    { wrong: "asks the plugin all the same", alter: () => ({ calls: alsoAs("Version", "Encrypt") }), tells: /[1-9]\d* other calls/ },
    {
      wrong: "does not recover",
      alter: () => ({
        answer: (answer, { method, path }) =>
          method === "GET" && path.endsWith("/before")
            ? refusal("KMS provider api version v1 is not supported, only v1beta1 is supported now")
            : answer,
      }),
      tells: /ready; GET: HTTP 500/,
    },
  ],
  "k1-07-gcm": [
    {
      wrong: "stores another payload",
      alter: () => ({ stored: kmsV1((body) => body.subarray(-16).reverse()) }),
      tells: /it does not open/,
    },
    {
      wrong: "does not write with KMS v1",
      alter: () => ({ stored: (stored) => ({ ...stored, value: Buffer.from("plain") }) }),
      tells: /identity/,
    },
  ],
  "k1-07-legacy-cbc": [unreadable, neverRewriting],
  "k1-08-restart": [
    { wrong: "keeps its DEKs", alter: () => ({ calls: without("Decrypt") }), tells: /^0 Decrypt/ },
    { wrong: "decrypts twice", alter: () => ({ calls: times(2, "Decrypt") }), tells: /^50 Decrypt/ },
  ],
  "k1-09-probe": [
    { wrong: "asks twice as often", alter: () => ({ calls: timesOf((ms) => ms / 2) }), tells: /^Encrypt after 1\d\.\d s/ },
    { wrong: "never asks again", alter: () => ({ calls: (calls) => calls.slice(0, 3) }), tells: /no further Encrypt/ },
    { wrong: "encrypts another word", alter: () => ({ calls: plaintexts({ isPing: false }) }), tells: /^0 of \d+ Encrypt/ },
    { wrong: "decrypts nothing", alter: () => ({ calls: without("Decrypt") }), tells: /^0 Decrypt calls for [1-9]/ },
  ],
  "k1-10-gate": [
    {
      wrong: "takes no notice of the gate",
      alter: () => ({ options: (options) => ({ ...options, featureGates: {} }) }),
      tells: /it started/,
    },
    {
      wrong: "ends for another reason",
      alter: () => ({ encryption: () => ({ text: "kind: Nothing" }) }),
      tells: /error while building transformers|decod|Nothing/,
    },
  ],
  "k1-11-version-field": [
    { wrong: "says another version", alter: () => ({ calls: changed(() => ({ version: "v1" })) }), tells: /with the version "v1"/ },
    {
      wrong: "says none when it decrypts",
      alter: () => ({ calls: changed(({ method, version }) => ({ version: method === "Decrypt" ? "" : version })) }),
      tells: /with the version ""/,
    },
  ],
  "k2-01-limits": [
    {
      wrong: "stores half of it",
      alter: () => ({ stored: (stored) => ({ ...stored, value: stored.value.subarray(0, 60) }) }),
      tells: /wire-format/,
    },
    { wrong: "stores no key_id", alter: () => ({ stored: objects(() => ({ keyId: "" })) }), tells: /keyID is empty/ },
    {
      wrong: "does not encrypt",
      alter: () => ({ stored: (stored) => ({ ...stored, value: Buffer.from("plain") }) }),
      tells: /of identity/,
    },
  ],
  "k2-02-source-type": [
    { wrong: "stores that it is a DEK", alter: () => ({ stored: objects(() => ({ encryptedDekSourceType: 0 })) }), tells: /Type 0$/ },
  ],
  "k2-03-extended-nonce": [
    {
      wrong: "derives another key",
      alter: () => ({ stored: objects(({ encryptedData }) => ({ encryptedData: zeroed(encryptedData, 1) })) }),
      tells: /do not open/,
    },
    {
      wrong: "encrypts something else",
      alter: () => ({
        request: (request) => ({
          ...request,
          ...(request.body && { body: Buffer.from(bodyOf(request).replace(/"value":"[^"]*"/, '"value":""')) }),
        }),
      }),
      tells: /the value not among them/,
    },
  ],
  "k2-04-info-per-write": [
    {
      wrong: "has one info",
      alter: () => ({ stored: objects(({ encryptedData }) => ({ encryptedData: zeroed(encryptedData, 32) })) }),
      tells: /^1 different/,
    },
  ],
  "k2-05-writes-alone": [
    { wrong: "calls the plugin", alter: () => ({ calls: (calls) => [...calls, fake("Encrypt")] }), tells: /calls of the plugin: Encrypt/ },
    {
      wrong: "has a seed for each Secret",
      alter: () => ({ stored: objects(({ encryptedData }) => ({ encryptedDekSource: hashOf(encryptedData) })) }),
      tells: /^30 encrypted seeds/,
    },
  ],
  "k2-06-start": [
    { wrong: "encrypts two seeds", alter: () => ({ calls: times(2, "Encrypt") }), tells: /^Status, Encrypt, Encrypt$/ },
    { wrong: "does not ask for Status", alter: () => ({ calls: without("Status") }), tells: /^Encrypt$/ },
    { wrong: "has short seeds", alter: () => ({ calls: plaintexts({ length: 16 }) }), tells: /of 16 bytes/ },
    { wrong: "has no UUID", alter: () => ({ calls: changed(() => ({ uid: "1" })) }), tells: /uid "1"/ },
  ],
  "k2-07-poll-period": [
    { wrong: "polls more rarely", alter: () => ({ calls: timesOf((ms) => ms * 1.5) }), tells: /after 90\.0 s|after 15\.0 s/ },
    { wrong: "polls more often", alter: () => ({ calls: timesOf((ms) => ms * 0.8) }), tells: /after 48\.0 s/ },
    { wrong: "never polls", alter: () => ({ calls: without("Status", 1) }), tells: /\(never\)/ },
  ],
  "k2-08-health-traffic": [
    { wrong: "asks twice as often", alter: () => ({ calls: timesOf((ms) => ms / 2) }), tells: /^Status after 1\d\.\d s/ },
    { wrong: "never asks again", alter: () => ({ calls: without("Status", 1) }), tells: /no further Status/ },
  ],
  "k2-09-rotation": [
    { wrong: "never notices", alter: () => ({ calls: without("Encrypt", 1) }), tells: /^no Encrypt/ },
    { wrong: "makes two seeds", alter: () => ({ calls: times(2, "Encrypt") }), tells: /^2 Encrypt/ },
    neverRewriting,
    {
      wrong: "stores another seed",
      alter: () => ({ stored: objects(() => ({ encryptedDekSource: Buffer.alloc(9) })) }),
      tells: /with the old encrypted seed/,
    },
    { wrong: "keeps the old key_id", alter: () => ({ stored: objects(() => ({ keyId: "key-1" })) }), tells: /under another key_id/ },
  ],
  "k2-10-same-key": [
    { wrong: "makes another seed", alter: () => ({ calls: (calls) => [...calls, fake("Encrypt")] }), tells: /^1 Encrypt/ },
  ],
  "k2-11-key-mismatch": [
    alwaysHealthy,
    writingForEver,
    {
      wrong: "uses the new seed",
      alter: () => ({ stored: objects(({ encryptedData }) => ({ encryptedDekSource: hashOf(encryptedData) })) }),
      tells: /^HTTP 201$/,
    },
    {
      wrong: "stops writing at once",
      alter: () => ({ answer: afterPosts(2, () => refusal("no seed")) }),
      tells: /no success, at \d+ s HTTP 500: no seed/,
    },
  ],
  "k2-12-write-expiry": [
    writingForEver,
    stoppingEarly,
    {
      wrong: "does not recover",
      alter: () => ({ answer: (answer, request) => (bodyOf(request).includes('"healed-') ? refusal("gone") : answer) }),
      tells: /HTTP 500: gone after/,
    },
    {
      wrong: "says something else",
      alter: () => ({ answer: (answer) => (answer.failure?.includes("expired at") ? refusal("something else") : answer) }),
      tells: /HTTP 500: something else/,
    },
  ],
  "k2-13-expired-reads": [
    {
      wrong: "does not read then",
      alter: () => ({
        answer: (answer, { method, path }) => (method === "GET" && path.endsWith("/secrets") ? refusal("expired") : answer),
      }),
      tells: /HTTP 500: expired/,
    },
    { ...alwaysRewriting, tells: /HTTP 500: .*expired/ },
    {
      wrong: "writes changes then",
      alter: () => ({ answer: (answer, { method }) => (method === "PUT" && answer.status === 500 ? new ApiAnswer(200, secret) : answer) }),
      tells: /^HTTP 200$/,
    },
  ],
  "k2-14-sick-writes": [alwaysHealthy, stoppingEarly],
  "k2-15-status-version": [alwaysHealthy, neverHealthy],
  "k2-16-key-id-length": [
    alwaysHealthy,
    neverHealthy,
    { wrong: "does not count it", alter: () => ({ metrics: lacking("invalid_key_id") }), tells: /="empty"} 0/ },
    { wrong: "stores another key_id", alter: () => ({ stored: objects(() => ({ keyId: "key-1" })) }), tells: /key_id of 5 bytes/ },
  ],
  "k2-17-ciphertext-length": [
    alwaysHealthy,
    neverHealthy,
    {
      wrong: "cuts the ciphertext off",
      alter: () => ({ stored: objects(() => ({ encryptedDekSource: Buffer.alloc(92) })) }),
      tells: /seed of 92 bytes/,
    },
  ],
  "k2-18-annotations": [
    alwaysHealthy,
    neverHealthy,
    {
      wrong: "stores no annotations",
      alter: () => ({ stored: objects(() => ({ annotations: new Map() })) }),
      tells: /with other annotations/,
    },
    { wrong: "does not give them back", alter: () => ({ calls: changed(() => ({ annotations: new Map() })) }), tells: /Decrypt, 0 with/ },
  ],
  "k2-19-decrypt-request": [
    { wrong: "names no key_id", alter: () => ({ calls: changed(() => ({ keyId: "" })) }), tells: /, 0 of them with/ },
    {
      wrong: "gives no annotations back",
      alter: () => ({ calls: changed(() => ({ annotations: new Map() })) }),
      tells: /, 0 of them with/,
    },
    { wrong: "sends another ciphertext", alter: () => ({ calls: changed(() => ({ ciphertext: Uint8Array.of(1) })) }), tells: /^0 Decrypt/ },
    { wrong: "has no UUID", alter: () => ({ calls: changed(() => ({ uid: "1" })) }), tells: /^1 different uids, 0/ },
  ],
  "k2-20-serial-restart": [
    {
      wrong: "decodes many at once",
      alter: () => ({ options: (options) => ({ ...options, featureGates: { ConcurrentWatchObjectDecode: true } }) }),
      tells: /^([4-9]|\d\d+) Decrypt/,
    },
    { wrong: "keeps its DEKs", alter: () => ({ calls: without("Decrypt") }), tells: /^0 Decrypt/ },
  ],
  "k2-20-concurrent-restart": [
    { wrong: "has no cache", alter: () => ({ calls: times(20, "Decrypt") }), tells: /^\d{2,} Decrypt/ },
    { wrong: "keeps its DEKs", alter: () => ({ calls: without("Decrypt") }), tells: /^0 Decrypt/ },
  ],
  "k2-21-cached-source": [
    { wrong: "decrypts at every read", alter: () => ({ calls: (calls) => [...calls, fake("Decrypt")] }), tells: /^1 Decrypt, 0/ },
    { wrong: "counts misses", alter: () => ({ metrics: growing("cache_misses_total") }), tells: /[1-9]\d* cache misses/ },
    { wrong: "knows every DEK", alter: () => ({ calls: without("Decrypt") }), tells: /^0 Decrypt$/ },
  ],
  "k2-22-other-ciphertext": [alwaysRewriting],
  "k2-23-key-returns": [
    alwaysRewriting,
    neverRewriting,
    { wrong: "makes two seeds each time", alter: () => ({ calls: times(2, "Encrypt") }), tells: /^6 Encrypt/ },
  ],
  "k2-24-cold-start": [
    {
      wrong: "reads without a seed",
      alter: () => ({ answer: (answer) => (answer.failure?.includes("nil transformer") ? new ApiAnswer(200, secret) : answer) }),
      tells: /^HTTP 200/,
    },
    {
      wrong: "says that it is ready",
      alter: () => ({ answer: (answer, { path }) => (path === "/readyz" ? good : answer) }),
      tells: /^HTTP 200/,
    },
    { wrong: "asks the plugin to decrypt", alter: () => ({ calls: (calls) => [...calls, fake("Decrypt")] }), tells: /^1 Decrypt/ },
    {
      wrong: "does not recover",
      alter: () => ({
        answer: (answer, { method, path }) =>
          method === "GET" && path.endsWith("/before") ? refusal("got unexpected nil transformer") : answer,
      }),
      tells: /ready; GET: HTTP 500/,
    },
  ],
  "k2-25-stored-dek": [
    unreadable,
    neverRewriting,
    { wrong: "goes on with DEKs", alter: () => sinceFirstPut(objects(() => ({ encryptedDekSourceType: 0 }))), tells: /Type 0/ },
  ],
  "k2-26-authority": [
    { wrong: "names the socket", alter: () => ({ calls: changed(() => ({ authority: "kms.sock" })) }), tells: /another/ },
  ],
  "k2-27-metrics": [
    {
      wrong: "names the key_id itself",
      alter: () => ({ metrics: renaming(/key_id_hash="[^"]*"/, 'key_id_hash="key-1"') }),
      tells: /by [1-9]\d* for others/,
    },
    { wrong: "counts no calls", alter: () => ({ metrics: lacking("kms_operations_latency") }), tells: /_count 0, and/ },
    { wrong: "makes calls that it does not count", alter: () => ({ calls: times(2, "Decrypt") }), tells: /_count (\d+), and/ },
  ],
  "k2-28-refused-values": [
    {
      wrong: "reads it from its cache",
      alter: () => ({
        request: (request) => (/\/wrong$/.test(request.path) ? { ...request, path: `${request.path}?resourceVersion=0` } : request),
      }),
      tells: /^HTTP 200/,
    },
    {
      wrong: "has one text for all",
      alter: () => ({ answer: (answer) => (answer.status === 500 ? refusal("data from the storage is not transformable") : answer) }),
      tells: /not transformable$/,
    },
  ],
};

let subject: ApiserverSubject;
let honest: CheckResult[];
beforeAll(async () => {
  subject = await openTestSubject("embedded");
  honest = await resultsOf(checks, subject, { concurrency: 6 });
});
afterAll(() => subject[Symbol.asyncDispose]());

it("finds the model right in every point", () => {
  expect(honest.filter(({ verdict }) => verdict !== "pass")).toEqual([]);
  expect(honest).toHaveLength(checks.length);
});

it("covers every invariant of KMS v1 and v2", () => {
  const numbered = (kms: string, count: number) =>
    Array.from({ length: count }, (_, index) => `${kms}-${String(index + 1).padStart(2, "0")}`);
  expect(new Set(checks.flatMap(({ invariants }) => invariants))).toEqual(new Set([...numbered("K1", 11), ...numbered("K2", 28)]));
});

describe.each(checks.map((check) => [check.id.slice("apiserver/".length), check] as const))("%s", (name, check) => {
  it("has an API server that it must find wrong", () => {
    expect(mutants[name]?.length ?? 0).toBeGreaterThan(0);
  });

  it.each(mutants[name] ?? [])("fails on one that $wrong", async ({ alter, tells }) => {
    // Of its own, because a wrong server may leave behind what others would fall over.
    await using own = await openTestSubject("embedded");
    const [result] = await resultsOf([check], alteredSubject(own, alter()), { concurrency: 1 });
    expect(result).toMatchObject({ verdict: "fail", reason: null });
    expect(
      result?.evidence.some(({ received }) => tells.test(received)),
      JSON.stringify(result?.evidence),
    ).toBe(true);
  });
});

describe("of an older Kubernetes", () => {
  it.each([
    ["v1.28.15", "k2-03-extended-nonce", "not-applicable"],
    ["v1.28.15", "k2-04-info-per-write", "not-applicable"],
    ["v1.28.15", "k2-15-status-version", "not-applicable"],
    ["v1.28.15", "k2-25-stored-dek", "not-applicable"],
    ["v1.30.14", "k2-20-concurrent-restart", "not-applicable"],
    ["v1.28.15", "k2-02-source-type", "fail"],
    ["v1.31.14", "k2-26-authority", "fail"],
    ["v1.28.15", "k2-26-authority", "fail"],
  ])("%s: %s is %s on the model of v1.37.2", async (kubernetesVersion, name, verdict) => {
    const [result] = await resultsOf(
      checks.filter(({ id }) => id === `apiserver/${name}`),
      { ...subject, kubernetesVersion },
      { concurrency: 1 },
    );
    expect(result?.verdict).toBe(verdict);
  });
});

function text(status: number, words: string): ApiAnswer {
  return new ApiAnswer(status, Buffer.from(words));
}

const good = text(200, "ok");
const secret = Buffer.from(JSON.stringify({ metadata: { name: "one", resourceVersion: "1" } }));

function refusal(message: string): ApiAnswer {
  return text(500, JSON.stringify({ kind: "Status", reason: "InternalError", message }));
}

/** Answers so from the POST of the n-th Secret on. */
function afterPosts(n: number, answer: () => ApiAnswer): NonNullable<Alteration["answer"]> {
  let posts = 0;
  return (honestly, { method, path }) => (method === "POST" && path.endsWith("/secrets") && ++posts >= n ? answer() : honestly);
}

function bodyOf({ body }: Pick<ApiRequest, "body">): string {
  return Buffer.from(body ?? []).toString();
}

/** Changes a label at every PUT. */
function labelling(): NonNullable<Alteration["request"]> {
  let updates = 0;
  return (request) => {
    if (request.method !== "PUT") return request;
    const object = JSON.parse(bodyOf(request));
    const labelled = { ...object, metadata: { ...object.metadata, labels: { update: String(++updates) } } };
    return { ...request, body: Buffer.from(JSON.stringify(labelled)) };
  };
}

/** Changes a copy of what stands behind the prefix of KMS v1's values. */
function kmsV1(change: (body: Buffer) => unknown): NonNullable<Alteration["stored"]> {
  return (stored) => {
    const bytes = Buffer.from(stored.value);
    const prefix = /^k8s:enc:kms:v1:[^:]+:/.exec(bytes.toString("latin1"))?.[0];
    if (prefix !== undefined) change(bytes.subarray(prefix.length));
    return { ...stored, value: bytes };
  };
}

/** Changes the fields of KMS v2's values, without asking whether that is allowed. */
function objects(change: (object: EncryptedObject) => Partial<EncryptedObject>): (stored: StoredValue) => StoredValue {
  return (stored) => {
    const value = parseStoredValue(stored.value);
    if (value.kind !== "kms-v2") return stored;
    const body = encodeEncryptedObject({ ...value.object, ...change(value.object) });
    return { ...stored, value: Buffer.concat([Buffer.from(storedPrefix(value.kind, value.providerName)), body]) };
  };
}

function sinceFirstPut(stored: NonNullable<Alteration["stored"]>): Alteration {
  let wasPut = false;
  return {
    request(request) {
      wasPut ||= request.method === "PUT";
      return request;
    },
    stored: (value) => (wasPut ? stored(value) : value),
  };
}

function zeroed(bytes: Uint8Array, length: number): Uint8Array {
  return Buffer.from(bytes).fill(0, 0, length);
}

function hashOf(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}

type Calls = NonNullable<Alteration["calls"]>;

function changed(change: (call: KmsCall) => Partial<KmsCall>): Calls {
  return (calls) => calls.map((call) => ({ ...call, ...change(call) }));
}

function plaintexts(change: Partial<NonNullable<KmsCall["plaintext"]>>): Calls {
  return changed(({ plaintext }) => ({ plaintext: plaintext && { ...plaintext, ...change } }));
}

function timesOf(change: (ms: number) => number): Calls {
  return changed(({ atMs }) => ({ atMs: change(atMs) }));
}

function times(count: number, method: KmsCall["method"]): Calls {
  return (calls) => calls.flatMap((call) => (call.method === method ? Array.from({ length: count }, () => call) : [call]));
}

function alsoAs(method: KmsCall["method"], another: KmsCall["method"]): Calls {
  return (calls) => calls.flatMap((call) => (call.method === method ? [call, { ...call, method: another }] : [call]));
}

/** Leaves out the calls of a method from a clock's time on, in milliseconds. */
function without(method: KmsCall["method"], fromMs = 0): Calls {
  return (calls) => calls.filter((call) => call.method !== method || call.atMs < fromMs);
}

function fake(method: KmsCall["method"]): KmsCall {
  const empty = { authority: "localhost", version: "", uid: "", keyId: "", plaintext: undefined, ciphertext: undefined };
  return { kms: "v2", method, atMs: 0, ...empty, annotations: new Map() };
}

type MetricsAlteration = NonNullable<Alteration["metrics"]>;

/** Counts one more each time that it is asked. */
function growing(name: string): MetricsAlteration {
  let asked = 0;
  return (metrics) => {
    asked++;
    return new Map([...metrics].map(([series, value]) => [series, series.includes(name) ? value + asked : value]));
  };
}

function lacking(name: string): MetricsAlteration {
  return (metrics) => new Map([...metrics].filter(([series]) => !series.includes(name)));
}

function renaming(pattern: RegExp, to: string): MetricsAlteration {
  return (metrics) => new Map([...metrics].map(([series, value]) => [series.replace(pattern, to), value]));
}

function withCacheOf(cacheSize: number): NonNullable<Alteration["encryption"]> {
  return (file) => {
    if ("text" in file) return file;
    const resources = file.resources.map((item) => ({
      ...item,
      providers: item.providers.map((provider) =>
        provider.kind === "kms" && provider.apiVersion === "v1" ? { ...provider, cacheSize } : provider,
      ),
    }));
    return { resources };
  };
}
