import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseStoredValue } from "../../../harness/envelope/index.ts";
import { ApiAnswer } from "../../../harness/load/api-answer.ts";
import type { ApiRequest } from "../../../harness/load/api-client.ts";
import type { CheckResult } from "../../../harness/run/schema.ts";
import type { StoredValue } from "../../../harness/target/target.ts";
import { type Alteration, alteredSubject } from "../apiserver-altered.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { openTestSubject, resultsOf } from "../apiserver-test-subject.ts";
import { apiserverChecks } from "../index.ts";

const checks = apiserverChecks.filter(({ id }) => /^apiserver\/(fr|aad|lp|sz|hz|mg|rd)-/.test(id));

/** An API server that is wrong, the check that has to find it, and what the evidence against it says. */
const rangeOfPorts = "/registry/ranges/servicenodeports";

interface Mutant {
  readonly id: string;
  readonly wrong: string;
  readonly alter: () => Alteration;
  readonly tells: RegExp;
}

const mutants: readonly Mutant[] = [
  {
    id: "fr-01-prefix",
    wrong: "writes another prefix",
    alter: () => ({ stored: changed((bytes) => bytes.set(Buffer.from("xyz"), 8)) }),
    tells: /begin with k8s:enc:xyz/,
  },
  {
    id: "fr-01-prefix",
    wrong: "stores nothing but the prefix",
    alter: () => ({ stored: (stored) => ({ ...stored, value: stored.value.subarray(0, 30) }) }),
    tells: /30 bytes that begin/,
  },
  {
    id: "fr-02-all-read",
    wrong: "reads with the first provider alone",
    alter: () => ({ answer: (answer, { path }) => (path.endsWith("/by-secretbox") ? refusal("no matching prefix found") : answer) }),
    tells: /HTTP 500: no matching/,
  },
  {
    id: "fr-02-all-read",
    wrong: "gives another Secret's value",
    alter: () => ({
      request: (request) => readInstead(request, "/by-identity", "/by-kms-v1"),
      answer: edited((text) => text.replace('"value":"', '"value":"eHh4')),
    }),
    tells: /HTTP 200/,
  },
  {
    id: "fr-02-read-order",
    wrong: "writes with the last provider",
    alter: () => ({
      encryption: (file) =>
        "text" in file ? file : { resources: file.resources.map((item) => ({ ...item, providers: item.providers.toReversed() })) },
    }),
    tells: /the first key does not open/,
  },
  {
    id: "fr-02-read-order",
    wrong: "gives up at the first provider that fails",
    alter: () => ({
      answer: (answer, { method, path }) =>
        method === "GET" && path.endsWith("/one") ? refusal("cipher: message authentication failed") : answer,
    }),
    tells: /HTTP 500: cipher/,
  },
  {
    id: "fr-02-read-order",
    wrong: "counts no failures",
    alter: () => ({
      metrics: (metrics) =>
        new Map([...metrics].filter(([series]) => !series.includes("transformation_operations_total") || series.includes('status="OK"'))),
    }),
    tells: /0 failed/,
  },
  ...["fr-03-stale-provider", "fr-03-stale-key", "mg-01-replace-all", "mg-02-nothing-left"].map((id) => ({
    id,
    wrong: "never writes what an update does not change",
    alter: () => ({ request: notUpdating }),
    tells: /resourceVersion (\d+) → \1,|^0 with another|after 60 are not/,
  })),
  ...["fr-03-stale-provider", "fr-03-stale-key", "fr-05-no-op-update", "mg-01-replace-all"].map((id) => ({
    id,
    wrong: "writes at every update",
    alter: () => ({ request: alwaysUpdating() }),
    tells: /etcd's revision|other stored bytes|of 65 with another/,
  })),
  ...(
    [
      ["GET", (path: string) => !path.includes("?") && /secrets\/(fresh|stale)$/.test(path)],
      ["LIST", (path: string) => path.endsWith("/secrets")],
      ["WATCH", (path: string) => path.includes("watch=true")],
    ] as const
  ).map(([verb, concerns]) => ({
    id: "fr-04-reads-write-nothing",
    wrong: `writes at a ${verb}`,
    alter: (): Alteration => ({
      async answer(answer, { method, path }, { store }) {
        if (method !== "GET" || !concerns(path)) return answer;
        for await (const { key, value } of store?.list("/registry/secrets/") ?? [])
          if (/\/(fresh|stale)$/.test(key)) await store?.put(key, value);
        return answer;
      },
    }),
    tells: /revision \d+ → \d+, the same bytes/,
  })),
  {
    id: "fr-06-unknown-prefix",
    wrong: "has other words for it",
    alter: () => ({ answer: edited((text) => text.replace("no matching prefix found", "cannot read this")) }),
    tells: /cannot read this/,
  },
  {
    id: "fr-06-unknown-prefix",
    wrong: "gives the value that it cached",
    alter: () => ({ request: fromCache }),
    tells: /HTTP 200/,
  },
  {
    id: "fr-06-unknown-prefix",
    wrong: "does not count it",
    alter: () => ({ metrics: (metrics) => new Map([...metrics].filter(([series]) => !series.includes('"unknown"'))) }),
    tells: /grew by 0/,
  },
  {
    id: "fr-07-identity-first",
    wrong: "takes what identity gives",
    alter: () => ({
      answer: (answer, { method }) => (method === "GET" ? refusal("identity transformer tried to read encrypted data") : answer),
    }),
    tells: /HTTP 500: identity/,
  },
  {
    id: "fr-08-no-plaintext",
    wrong: "stores the value beside the ciphertext",
    alter: () => leaking((value) => value),
    tells: /as it is/,
  },
  {
    id: "fr-08-no-plaintext",
    wrong: "stores the value in base64",
    alter: () => leaking((value) => Buffer.from(value).toString("base64")),
    tells: /in base64/,
  },
  {
    id: "fr-09-resource-lookup",
    wrong: "lets the last item win",
    alter: () => ({
      encryption: (file) =>
        "text" in file ? file : { resources: [{ resources: ["*.*"], providers: file.resources.at(-1)?.providers ?? [] }] },
    }),
    tells: /under the key of \*\.\*/,
  },
  {
    id: "fr-09-resource-lookup",
    wrong: "knows no wildcards",
    alter: () => ({ encryption: (file) => ("text" in file ? file : { resources: file.resources.slice(0, 1) }) }),
    tells: /under the key of nobody/,
  },
  {
    id: "fr-10-never-encrypted",
    wrong: "encrypts ranges of ports",
    alter: () => ({
      started: async ({ store }) => store?.put(rangeOfPorts, Buffer.from("k8s:enc:aesgcm:v1:key1: 30000-32767")),
    }),
    tells: /1 of 1 keys under \/registry\/ranges\/servicenodeports/,
  },
  {
    id: "aad-01-bound",
    wrong: "binds nothing",
    alter: () => ({ request: (request) => readInstead(request, "-to", "-from") }),
    tells: /HTTP 200/,
  },
  {
    id: "aad-01-bound",
    wrong: "fails for another reason",
    alter: () => ({ answer: edited((text) => text.replace("message authentication failed", "disk on fire")) }),
    tells: /disk on fire/,
  },
  {
    id: "aad-02-not-bound",
    wrong: "binds every value",
    alter: () => ({ answer: (answer, { method, path }) => (method === "GET" && path.endsWith("-to") ? refusal("not authentic") : answer) }),
    tells: /HTTP 500: not authentic/,
  },
  {
    id: "aad-02-not-bound",
    wrong: "gives the Secret the name of its key",
    alter: () => ({ answer: edited((text) => text.replace(/"name":"(\w+)-from"/, '"name":"$1-to"')) }),
    tells: /calls itself \w+-to/,
  },
  {
    id: "aad-03-etcd-key",
    wrong: "binds a value to another key",
    alter: () => ({
      request: (request) =>
        request.method === "POST" ? { ...request, body: Buffer.from(textOf(request).replace('"bound"', '"elsewhere"')) } : request,
      async answer(answer, { method }, { store }) {
        if (method !== "POST") return answer;
        for await (const { key, value } of store?.list("/registry/secrets/") ?? []) {
          if (key.endsWith("/elsewhere")) await store?.put(key.replace(/elsewhere$/, "bound"), value);
        }
        return answer;
      },
    }),
    tells: /it does not open/,
  },
  {
    id: "lp-01-aescbc",
    wrong: "has one IV",
    alter: () => ({ stored: changed((bytes) => bytes.fill(0, bodyAt(bytes), bodyAt(bytes) + 16)) }),
    tells: /1 different IVs/,
  },
  {
    id: "lp-01-aescbc",
    wrong: "loses a byte",
    alter: () => ({ stored: (stored) => ({ ...stored, value: stored.value.subarray(0, -1) }) }),
    tells: /do not decrypt/,
  },
  {
    id: "lp-02-aesgcm",
    wrong: "has one nonce",
    alter: () => ({ stored: changed((bytes) => bytes.fill(0, bodyAt(bytes), bodyAt(bytes) + 12)) }),
    tells: /^1 different nonces/,
  },
  {
    id: "lp-02-aesgcm",
    wrong: "writes the same bytes again",
    alter: () => ({ request: notUpdating }),
    tells: /^1 different nonces/,
  },
  {
    id: "lp-02-aesgcm",
    wrong: "has a tag of 12 bytes",
    alter: () => ({ stored: (stored) => ({ ...stored, value: stored.value.subarray(0, -4) }) }),
    tells: /do not decrypt/,
  },
  {
    id: "lp-03-secretbox",
    wrong: "puts the tag at the end",
    alter: () => ({
      stored: changed((bytes) => {
        const box = bytes.subarray(bodyAt(bytes) + 24);
        box.set(Buffer.concat([box.subarray(16), box.subarray(0, 16)]));
      }),
    }),
    tells: /does not open/,
  },
  {
    id: "lp-04-tampered",
    wrong: "reads on from its cache",
    alter: () => ({ request: fromCache }),
    tells: /^HTTP 200/,
  },
  {
    id: "lp-04-tampered",
    wrong: "does not count what failed",
    alter: () => ({ metrics: (metrics) => new Map([...metrics].filter(([series]) => series.includes('status="OK"'))) }),
    tells: /; 0 failed reads/,
  },
  {
    id: "sz-01-stored-length",
    wrong: "stores a field that nobody knows",
    alter: () => ({
      stored: (stored) => (isKmsV2(stored.value) ? { ...stored, value: Buffer.concat([stored.value, Buffer.of(0x30, 1)]) } : stored),
    }),
    tells: /by kms-v2$/,
  },
  {
    id: "sz-01-stored-length",
    wrong: "stores by another provider than the first",
    alter: () => ({ stored: (stored) => (isKmsV2(stored.value) ? { ...stored, value: Buffer.from("no secret but plain") } : stored) }),
    tells: /by identity$/,
  },
  ...["hz-01-with-reload", "hz-01-without-reload"].flatMap((id) => [
    {
      id,
      wrong: "has no endpoint for all providers",
      alter: (): Alteration => ({ answer: (answer, { path }) => (path.endsWith("/kms-providers") ? notFound : answer) }),
      tells: /HTTP 404 for each/,
    },
    {
      id,
      wrong: "has an endpoint for each provider besides",
      alter: (): Alteration => ({ answer: (answer, { path }) => (/(healthz|readyz)\/kms-provider-0$/.test(path) ? good : answer) }),
      tells: /kms-provider-0 HTTP 200/,
    },
    {
      id,
      wrong: "has its endpoints on livez, too",
      alter: (): Alteration => ({ answer: (answer, { path }) => (path === "/livez/kms-providers" ? good : answer) }),
      tells: /^kms-providers HTTP 200$/,
    },
  ]),
  {
    id: "hz-01-without-reload",
    wrong: "leaves KMS v2 out among others",
    alter: () => ({ answer: (answer, { path }) => (path.endsWith("/kms-provider-1") ? notFound : answer) }),
    tells: /^kms-provider-0 HTTP 200$/,
  },
  {
    id: "mg-02-nothing-left",
    wrong: "loses values on the way",
    alter: () => ({
      answer: (answer, request) =>
        request.method === "PUT" ? edited((text) => text.replace('"value":"', '"value":"eHh4'))(answer, request) : answer,
    }),
    tells: /^0 of 60 with the value/,
  },
  ...(
    [
      [
        "reads a dry run's Secret",
        /POST as a dry run/,
        (request: ApiRequest) => ({ ...request, path: request.path.replace("?dryRun=All", "") }),
      ],
      [
        "reads from etcd what may be old",
        /GET with resourceVersion=0/,
        (request: ApiRequest) => ({ ...request, path: request.path.replace("?resourceVersion=0", "") }),
      ],
      ["never writes what an update does not change", /which another provider stored/, notUpdating],
    ] as const
  ).map(([wrong, tells, request]) => ({ id: "rd-01-transforms", wrong, alter: (): Alteration => ({ request }), tells })),
  {
    id: "rd-01-transforms",
    wrong: "reads from etcd for a list",
    alter: () => {
      let lists = 0;
      return {
        answer(answer, { method, path }) {
          if (method === "GET" && path.endsWith("limit=500")) lists++;
          return answer;
        },
        metrics: (metrics) =>
          new Map([...metrics].map(([series, value]) => [series, series.includes("from_storage") ? value + lists : value])),
      };
    },
    tells: /LIST with limit=500/,
  },
  {
    id: "rd-01-transforms",
    wrong: "encrypts twice with KMS v1",
    alter: () => ({ calls: (calls) => calls.flatMap((call) => (call.kms === "v1" ? [call, call] : [call])) }),
    tells: /2 Encrypt/,
  },
  {
    id: "rd-02-one-broken",
    wrong: "lists on from its cache",
    alter: () => ({
      request: (request) =>
        request.method === "GET" && request.path.endsWith("/secrets") ? { ...request, path: `${request.path}?resourceVersion=0` } : request,
    }),
    tells: /LIST after one byte/,
  },
  {
    id: "rd-02-one-broken",
    wrong: "reads no Secret beside a broken one",
    alter: () => ({ answer: (answer, { path }) => (path.endsWith("/whole") ? refusal("corrupt") : answer) }),
    tells: /GET of another Secret/,
  },
  {
    id: "rd-02-one-broken",
    wrong: "writes none beside a broken one",
    alter: () => {
      let posts = 0;
      return { answer: (answer, { method }) => (method === "POST" && ++posts > 2 ? refusal("corrupt") : answer) };
    },
    tells: /POST of a new Secret/,
  },
  {
    id: "rd-02-one-broken",
    wrong: "lists no namespace beside a broken one",
    alter: () => ({ answer: (answer, { path }) => (path.endsWith("/namespaces/default/secrets") ? refusal("corrupt") : answer) }),
    tells: /LIST of another namespace/,
  },
  {
    id: "rd-02-one-broken",
    wrong: "never heals",
    alter: () => {
      let isBroken = false;
      return {
        answer(answer, { path }) {
          isBroken ||= path.endsWith("/whole");
          return isBroken && path.endsWith("/secrets") ? refusal("corrupt") : answer;
        },
      };
    },
    tells: /was removed from etcd/,
  },
  {
    id: "rd-03-consistency-reads",
    wrong: "never compares its cache with etcd",
    alter: () => ({ options: (options) => ({ ...options, featureGates: { DetectCacheInconsistency: false } }) }),
    tells: /0 reads from storage/,
  },
  {
    id: "rd-03-consistency-reads",
    wrong: "keeps every DEK",
    alter: () => ({
      encryption: (file) =>
        "text" in file
          ? file
          : {
              resources: file.resources.map((item) => ({
                ...item,
                providers: item.providers.map((provider) => (provider.kind === "kms" ? { ...provider, cacheSize: 1000 } : provider)),
              })),
            },
    }),
    tells: /0 Decrypt calls/,
  },
];

describe("checks of the storage path", () => {
  let subject: ApiserverSubject;
  let honest: ReadonlyMap<string, CheckResult>;

  beforeAll(async () => {
    subject = await openTestSubject("embedded");
    honest = new Map((await resultsOf(checks, subject, { concurrency: 6 })).map((result) => [result.id, result]));
  });
  afterAll(() => subject[Symbol.asyncDispose]());

  it("pass on the model, or say why they do not concern it", () => {
    const others = [...honest.values()].filter(({ verdict }) => verdict !== "pass");
    expect(others).toEqual([]);
    expect(honest.size).toBe(checks.length);
  });

  it("can each fail", () => {
    expect(checks.map(({ id }) => id).filter((id) => !mutants.some((mutant) => `apiserver/${mutant.id}` === id))).toEqual([]);
  });

  it.each(mutants)("$id fails on an API server that $wrong", async ({ id, alter, tells }) => {
    // Of its own, because a wrong server leaves behind what others would fall over.
    await using subject = await openTestSubject("embedded");
    const result = await resultOf(id, alteredSubject(subject, alter()));
    expect(result).toMatchObject({ verdict: "fail" });
    expect(result.evidence.some(({ sent, received }) => tells.test(received) || tells.test(sent))).toBe(true);
  });

  it("does not judge fr-10 where nothing of the kind is stored", async () => {
    const result = await resultOf(
      "fr-10-never-encrypted",
      alteredSubject(subject, { stored: (value) => (value.key === rangeOfPorts ? undefined : value) }),
    );
    expect(result).toMatchObject({ verdict: "not-applicable", reason: expect.stringContaining("stores nothing under masterleases/") });
  });

  it("fails aad-03 where aescbc stores in the place of aesgcm", async () => {
    const wrong: ApiserverSubject = { ...subject, shared: () => subject.shared("aescbc") };
    const { verdict, evidence } = await resultOf("aad-03-etcd-key", wrong);
    expect([verdict, evidence[0]?.received]).toEqual(["fail", "it opens"]);
  });

  it("does not judge a server older than what it is about", async () => {
    const older = { ...subject, kubernetesVersion: "v1.30.14" };
    for (const id of ["rd-01-transforms", "rd-03-consistency-reads"])
      expect(await resultOf(id, older)).toMatchObject({ verdict: "not-applicable" });
  });
});

async function resultOf(id: string, subject: ApiserverSubject): Promise<CheckResult> {
  const [result] = await resultsOf(
    checks.filter((check) => check.id === `apiserver/${id}`),
    subject,
    { concurrency: 1 },
  );
  if (result === undefined) throw new Error(`There is no check ${id}.`);
  return result;
}

function refusal(message: string): ApiAnswer {
  return new ApiAnswer(500, Buffer.from(JSON.stringify({ kind: "Status", reason: "InternalError", message })));
}

const notFound = new ApiAnswer(404, Buffer.from("404 page not found"));
const good = new ApiAnswer(200, Buffer.from("ok"));

function edited(edit: (text: string) => string): (answer: ApiAnswer, request: ApiRequest) => ApiAnswer {
  return (answer) => new ApiAnswer(answer.status, Buffer.from(edit(answer.text())));
}

function textOf({ body }: ApiRequest): string {
  return Buffer.from(body ?? []).toString();
}

function readInstead(request: ApiRequest, of: string, instead: string): ApiRequest {
  return request.method === "GET" && request.path.endsWith(of)
    ? { ...request, path: request.path.slice(0, -of.length) + instead }
    : request;
}

function fromCache(request: ApiRequest): ApiRequest {
  return request.method === "GET" && /secrets\/[^?]+$/.test(request.path)
    ? { ...request, path: `${request.path}?resourceVersion=0` }
    : request;
}

/** Reads where it should update. */
function notUpdating({ method, path, ...request }: ApiRequest): ApiRequest {
  return method === "PUT" || method === "PATCH" ? { method: "GET", path } : { method, path, ...request };
}

/** Changes a label at every update. */
function alwaysUpdating(): (request: ApiRequest) => ApiRequest {
  let updates = 0;
  return (request) => {
    if (request.method !== "PUT" && request.method !== "PATCH") return request;
    const object = JSON.parse(textOf(request));
    return {
      ...request,
      body: Buffer.from(JSON.stringify({ ...object, metadata: { ...object.metadata, labels: { update: String(++updates) } } })),
    };
  };
}

/** Changes a copy of the encrypted values. */
function changed(change: (bytes: Buffer) => void): (stored: StoredValue) => StoredValue {
  return (stored) => {
    const bytes = Buffer.from(stored.value);
    if (bytes.toString("latin1").startsWith("k8s:enc:")) change(bytes);
    return { ...stored, value: bytes };
  };
}

function bodyAt(bytes: Uint8Array): number {
  const value = parseStoredValue(bytes);
  return "body" in value ? bytes.length - value.body.length : bytes.length;
}

function isKmsV2(bytes: Uint8Array): boolean {
  return Buffer.from(bytes).toString("latin1").startsWith("k8s:enc:kms:v2:");
}

/** Stores the value that was written last behind what is encrypted. */
function leaking(form: (value: string) => string): Alteration {
  let last = "";
  return {
    request(request) {
      const data = /"value":"([^"]+)"/.exec(textOf(request))?.[1];
      if (data !== undefined) last = Buffer.from(data, "base64").toString();
      return request;
    },
    stored: (stored) => ({ ...stored, value: Buffer.concat([stored.value, Buffer.from(form(last))]) }),
  };
}
