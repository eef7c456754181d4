import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { inspect } from "node:util";
import { pino } from "pino";
import { describe, expect, it, vi } from "vitest";
import { connectKmsV1, connectKmsV2 } from "../../harness/kms/client.ts";
import { KmsCallError } from "../../harness/kms/contract.ts";
import { formsOf } from "../../suites/conformance/plugin-calls.ts";
import { startPlugin } from "../index.ts";
import { type AlibabaSurroundings, openAlibabaProvider, settingsOf } from "../providers/alibaba.ts";
import { LeakyClient } from "../testing/leaky-client.ts";
import { type SeenRequest, type StubAnswer, StubKey, startStubCloud } from "../testing/stub-cloud.ts";

const dek = Uint8Array.from(Buffer.from("8d1f6b0c2e7a94513cf0a8e6d27b49f15a03c8be9d64e71208fb5c3a96de4170", "hex"));
const accessKeySecret = "hJ8qLz0vXw3Rt6Yb1Nc5Km9Pd2Fg7S";
const securityToken = "CAISrQJ1q6Ft5B2yfSjIr5fDPv7+iKtj/7aeZ2Ts8VxQ==";
const environment = {
  ALIBABA_CLOUD_ACCESS_KEY_ID: "STS.testid",
  ALIBABA_CLOUD_ACCESS_KEY_SECRET: accessKeySecret,
  ALIBABA_CLOUD_SECURITY_TOKEN: securityToken,
};
type Connect = NonNullable<AlibabaSurroundings["connect"]>;
const leaky: Connect = ({ endpoint, credentials }) => new LeakyClient({ endpoint, credentials });

/** All that a request held, as a service or a gateway may give it back. */
function echo({ query, headers, body }: SeenRequest): string {
  return JSON.stringify({ query: Object.fromEntries(query), headers, body, url: `/?${query}` });
}

const everywhere = (request: SeenRequest) => {
  const text = echo(request);
  return {
    Code: request.query.get("Plaintext") ?? request.query.get("CiphertextBlob"),
    code: text,
    Message: text,
    RequestId: request.headers["x-acs-security-token"] ?? text,
    Recommend: text,
    HostId: text,
    AccessDeniedDetail: { AuthAction: text, EncodedDiagnosticMessage: text, PolicyType: text },
  };
};

/** What a call may meet. */
const troubles: Readonly<Record<string, (request: SeenRequest) => StubAnswer>> = {
  "a timeout": () => "hang",
  "a reset": () => "reset",
  "a reset in the middle": () => "half",
  "500 with a page": (request) => ({ status: 500, headers: { "content-type": "text/html" }, body: `<html>${echo(request)}</html>` }),
  "503 that echoes everything": (request) => ({ status: 503, body: everywhere(request) }),
  "403 with details": (request) => ({ status: 403, body: { ...everywhere(request), Code: "Forbidden.NoPermission" } }),
  throttling: (request) => ({
    status: 429,
    headers: {
      "x-acs-retry-after": echo(request)
        .slice(0, 100)
        .replaceAll(/[^ -~]/g, ""),
    },
    body: everywhere(request),
  }),
  "400 that echoes everything": (request) => ({ status: 400, body: everywhere(request) }),
  "an answer that is none": (request) => ({ body: echo(request) }),
  "200 with a page": (request) => ({ body: `<html>${echo(request)}</html>` }),
};

interface Caller {
  readonly connect?: Connect;
  /** How long each call may take. */
  readonly timeoutMs: number;
}

/** Has a plugin meet one trouble in every call, and gives back all that it wrote and answered, and what must not be in it. */
async function meet(trouble: ((request: SeenRequest) => StubAnswer) | "refused", { connect, timeoutMs }: Caller) {
  await using held = new AsyncDisposableStack();
  const folder = held.use(await mkdtempDisposable(join(tmpdir(), "kmsmark-leak-")));
  const key = new StubKey();
  const stub = await startStubCloud(key.answer);
  held.defer(() => stub[Symbol.asyncDispose]());
  const written: string[] = [];
  const spies = [vi.spyOn(process.stdout, "write"), vi.spyOn(process.stderr, "write")];
  held.defer(() => {
    for (const spy of spies) spy.mockRestore();
  });
  for (const spy of spies) {
    spy.mockImplementation((chunk) => {
      written.push(String(chunk));
      return true;
    });
  }
  const stream = new PassThrough();
  stream.on("data", (chunk) => written.push(String(chunk)));
  const log = pino({ level: "debug" }, stream);

  const settings = settingsOf({ "key-id": key.id, endpoint: stub.url }, environment);
  const provider = await openAlibabaProvider(settings, { log, ...(connect === undefined ? {} : { connect }) });
  const plugin = held.use(await startPlugin({ socket: join(folder.path, "kms.sock"), provider, metrics: "127.0.0.1:0", log }));
  const [v1, v2] = [held.use(connectKmsV1(plugin.socket)), held.use(connectKmsV2(plugin.socket))];
  const cipher = await v1.encrypt(dek);
  const wrapped = await v2.encrypt({ plaintext: dek, uid: "u" });

  if (trouble === "refused") await stub[Symbol.asyncDispose]();
  else stub.answer(trouble);
  const answers: string[] = [];
  const options = { timeoutMs };
  for (let round = 0; round < 2; round++) {
    for (const call of [
      () => v2.encrypt({ plaintext: dek, uid: "u" }, options),
      () => v2.decrypt({ ...wrapped, uid: "u" }, options),
      () => v1.encrypt(dek, options),
      () => v1.decrypt(cipher, options),
    ]) {
      const answer = await call().then(
        () => "answered",
        (thrown: unknown) => thrown,
      );
      if (!(answer instanceof KmsCallError)) throw new Error("A call in trouble was answered.", { cause: answer });
      answers.push(answer.message);
    }
    answers.push(await v2.status(options).then(({ healthz }) => healthz, String));
  }
  for (const path of ["metrics", "readyz"]) answers.push(await (await fetch(`${plugin.metricsUrl}/${path}`)).text());
  await held.disposeAsync();

  // The framed plaintext is what the KMS was sent; in base64 it looks other than the DEK alone.
  const blob = cipher.subarray(2 + key.id.length);
  const secrets = new Map<string, Uint8Array>([
    ["the plaintext", dek],
    [
      "the plaintext as it was sent",
      Buffer.from(stub.seen.find(({ query }) => (query.get("Plaintext")?.length ?? 0) > 10)?.query.get("Plaintext") ?? "", "base64"),
    ],
    ["the ciphertext of v2", wrapped.ciphertext],
    ["the ciphertext of v1", blob],
    ["the access key's secret", Buffer.from(accessKeySecret)],
    ["the token", Buffer.from(securityToken)],
  ]);
  stub.seen.forEach(({ headers, query }, index) => {
    const signature = /Signature=(\w+)/.exec(headers.authorization ?? "")?.[1] ?? query.get("Signature");
    if (signature !== null && signature !== undefined) secrets.set(`the signature of request ${index}`, Buffer.from(signature));
  });
  return { text: [...written, ...answers].join("\n"), answers, secrets };
}

/** Which secrets a text holds, in whatever way, also percent-encoded. */
function leaks({ text, secrets }: { readonly text: string; readonly secrets: ReadonlyMap<string, Uint8Array> }): string[] {
  const readings = [text, text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))];
  const haystacks = readings.flatMap((reading) => [Buffer.from(reading), Buffer.from(reading, "latin1")]);
  return [...secrets].flatMap(([name, bytes]) => {
    const found = formsOf(bytes).find(({ bytes: form }) => form.length > 8 && haystacks.some((haystack) => haystack.includes(form)));
    return found === undefined ? [] : [`${name}, ${found.form}`];
  });
}

describe("nothing that a plugin writes or answers holds a secret", { timeout: 20_000 }, () => {
  it.each([...Object.keys(troubles), "a refused connection"])("when its KMS meets it with %s", async (name) => {
    const met = await meet(troubles[name] ?? "refused", { timeoutMs: 150 });
    expect(met.answers.length).toBe(12);
    expect(met.text).toContain('"msg":"provider call"');
    expect(met.secrets.size).toBeGreaterThan(8);
    expect(leaks(met)).toEqual([]);
  });
});

describe("nothing that is told of credentials holds one", () => {
  const oidcToken = "eyJhbGciOiJSUzI1NiJ9.b2lkYy10b2tlbi1wYXlsb2Fk.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg";
  const uriPath = "/credentials/0f3b7c5d9e1a2b4c6d8e";
  const issued = {
    AccessKeyId: "STS.issued",
    AccessKeySecret: "Zk3pQ9wXn5Tb7Lv1",
    SecurityToken: "CAIS8xGq2Vd5Nf7Kj",
    Expiration: "no time",
  };

  it.each(
    ["role", "oidc", "uri", "ecs-ram-role"].flatMap((source) =>
      [
        "a reset",
        "a reset in the middle",
        "500 with a page",
        "503 that echoes everything",
        "403 with details",
        "400 that echoes everything",
        "an answer that is none",
        "credentials that are none",
      ].map((trouble) => [source, trouble] as const),
    ),
  )("where they come from %s, with %s", async (source, trouble) => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-leak-"));
    const tokenFile = join(folder.path, "token");
    await writeFile(tokenFile, oidcToken);
    const answer = troubles[trouble] ?? (() => ({ body: { ...issued, Code: "Success", Credentials: issued } }));
    // The second question of the metadata service is the one in trouble.
    await using stub = await startStubCloud((request) =>
      request.path === "/latest/api/token" ? { body: securityToken } : answer(request),
    );
    const from: Readonly<Record<string, Record<string, string>>> = {
      role: environment,
      oidc: {
        ALIBABA_CLOUD_ROLE_ARN: "acs:ram::1:role/r",
        ALIBABA_CLOUD_OIDC_PROVIDER_ARN: "acs:ram::1:oidc-provider/p",
        ALIBABA_CLOUD_OIDC_TOKEN_FILE: tokenFile,
      },
      uri: { ALIBABA_CLOUD_CREDENTIALS_URI: `${stub.url}${uriPath}` },
      "ecs-ram-role": {},
    };
    const words = { "key-id": "key-1", endpoint: stub.url, "sts-endpoint": stub.url, "metadata-endpoint": stub.url };
    const choice = source === "role" ? { "role-arn": "acs:ram::1:role/r" } : { credentials: source };
    const said: string[] = [];
    const log = { info: (message: string) => void said.push(message), warn: (message: string) => void said.push(message) };
    const opened = await openAlibabaProvider(settingsOf({ ...words, ...choice }, from[source] ?? {}), { log }).catch(
      (thrown: unknown) => thrown,
    );
    said.push(inspect(opened, { depth: 10, showHidden: true }));
    expect(stub.seen.length).toBeGreaterThan(0);
    const values = {
      accessKeySecret,
      securityToken,
      oidcToken,
      uriPath,
      issuedSecret: issued.AccessKeySecret,
      issuedToken: issued.SecurityToken,
    };
    const secrets = new Map(Object.entries(values).map(([name, value]) => [name, Buffer.from(value)]));
    for (const { headers } of stub.seen) {
      const signature = /Signature=(\w+)/.exec(headers.authorization ?? "")?.[1];
      if (signature !== undefined) secrets.set("the signature", Buffer.from(signature));
    }
    // A provider that opened holds the environment, as it must; what it told is what counts.
    const text = opened instanceof Error ? said.join("\n") : said.slice(0, -1).join("\n");
    expect(leaks({ text, secrets })).toEqual([]);
  });
});

describe("the search", { timeout: 20_000 }, () => {
  it.each([
    "a refused connection",
    "a reset in the middle",
    "500 with a page",
    "503 that echoes everything",
    "403 with details",
    "throttling",
  ])("finds plaintext, ciphertext, token and signature of a client that passes messages through, with %s", async (name) => {
    const found = leaks(await meet(troubles[name] ?? "refused", { connect: leaky, timeoutMs: 10_000 }));
    const whole = found.join("\n");
    for (const secret of [
      "the plaintext as it was sent, in base64",
      "the ciphertext of v2, in base64",
      "the token, as it is",
      "the signature of request",
    ]) {
      expect(whole).toContain(secret);
    }
  });

  it("finds a secret in whatever way it stands there", () => {
    const secrets = new Map([["the DEK", dek]]);
    const bytes = Buffer.from(dek);
    const base64 = bytes.toString("base64");
    for (const text of [
      bytes.toString("latin1"),
      bytes.toString("hex"),
      base64,
      bytes.toString("base64url"),
      encodeURIComponent(base64),
      bytes.join(","),
    ]) {
      expect(leaks({ text: `so: ${text}.`, secrets })).toHaveLength(1);
    }
    expect(leaks({ text: "nothing", secrets })).toEqual([]);
  });
});
