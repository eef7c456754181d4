import { describe, expect, it } from "vitest";
import { z } from "zod";
import { systemClock } from "../../harness/clock.ts";
import { VirtualClock } from "../../harness/virtual-clock.ts";
import { refusal, type StubAnswer, startStubCloud } from "../testing/stub-cloud.ts";
import { AlibabaClient, callMsMax } from "./client.ts";
import type { CredentialProvider, Credentials } from "./credentials.ts";
import { AlibabaFault } from "./fault.ts";
import { hashPayload, signV3 } from "./signature.ts";

const key: Credentials = { accessKeyId: "testid", accessKeySecret: "testsecret" };
const temporary: Credentials = { accessKeyId: "STS.one", accessKeySecret: "one", securityToken: "token-one" };

/** Credentials, and which of them were refused. */
function credentialsOf(current: Credentials, next?: Credentials): CredentialProvider & { readonly refused: Credentials[] } {
  const refused: Credentials[] = [];
  return {
    refused,
    current: async () => current,
    renewed: async (old) => {
      refused.push(old);
      return next;
    },
  };
}

async function arrange(answer: () => StubAnswer, credentials: CredentialProvider | undefined = credentialsOf(key), clock = systemClock) {
  const stack = new AsyncDisposableStack();
  const stub = stack.use(await startStubCloud(answer));
  const product = { name: "KMS", version: "2016-01-20" };
  const client = stack.use(new AlibabaClient({ product, endpoint: new URL(stub.url), credentials, clock }));
  const call = { signal: new AbortController().signal };
  return {
    stub,
    client,
    describe: (signal = call.signal) => client.rpc("DescribeKey", { KeyId: "a/b c*" }, z.object({ KeyId: z.string() }), { signal }),
    call,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const ok: StubAnswer = { body: { KeyId: "key-1" } };
const fault = (thrown: unknown) => {
  if (!(thrown instanceof AlibabaFault)) throw thrown;
  const { kind, message, facts } = thrown;
  return { kind, message, ...facts };
};

describe("an RPC call", () => {
  it("has its parameters in the query, nothing in the body, and is signed over all that it says of itself", async () => {
    await using place = await arrange(() => ok);
    expect(await place.describe()).toEqual({ KeyId: "key-1" });
    const [request] = place.stub.seen;
    expect(request).toMatchObject({ method: "POST", path: "/", action: "DescribeKey", body: "" });
    expect([...(request?.query ?? [])]).toEqual([["KeyId", "a/b c*"]]);
    const { authorization = "", ...headers } = request?.headers ?? {};
    expect(headers).toMatchObject({ "x-acs-version": "2016-01-20", "content-length": "0" });
    const names = "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version";
    const signed = new Map(names.split(";").map((name) => [name, String(headers[name])]));
    const payloadHash = hashPayload(new Uint8Array());
    const signature = signV3({ method: "POST", path: "/", query: [["KeyId", "a/b c*"]], headers: signed, payloadHash }, "testsecret");
    expect(authorization).toBe(`ACS3-HMAC-SHA256 Credential=testid,SignedHeaders=${names},Signature=${signature}`);
  });

  it("has another nonce each time, and signs the token of temporary credentials", async () => {
    await using place = await arrange(() => ok, credentialsOf(temporary));
    await place.describe();
    await place.describe();
    const [one, other] = place.stub.seen.map(({ headers }) => headers);
    expect(one?.["x-acs-signature-nonce"]).not.toBe(other?.["x-acs-signature-nonce"]);
    expect(one).toMatchObject({ "x-acs-accesskey-id": "STS.one", "x-acs-security-token": "token-one" });
    expect(one?.authorization).toContain("x-acs-accesskey-id;");
    expect(one?.authorization).toContain("x-acs-security-token;");
  });

  it("uses again the connections that are there", async () => {
    await using place = await arrange(() => ok);
    for (let call = 0; call < 20; call++) await place.describe();
    // The second is opened by a call that comes before the first connection has come to rest.
    expect(new Set(place.stub.seen.map(({ port }) => port)).size).toBeLessThanOrEqual(2);
  });

  it("with a form has its parameters in the body, where the hash covers them", async () => {
    await using place = await arrange(() => ok);
    await place.client.rpcForm("AssumeRole", { RoleArn: "acs:ram::1:role/r" }, z.object({}), place.call);
    const [request] = place.stub.seen;
    expect([...(request?.query ?? [])]).toEqual([]);
    expect(request?.body).toBe("RoleArn=acs%3Aram%3A%3A1%3Arole%2Fr");
    expect(request?.headers["x-acs-content-sha256"]).toBe(hashPayload(Buffer.from(request?.body ?? "")));
    expect(request?.headers.authorization).toContain("SignedHeaders=content-type;host;");
  });
});

describe("a ROA call", () => {
  it("has a method, a path and a body in JSON", async () => {
    await using place = await arrange(() => ok);
    await place.client.roa(
      { method: "PUT", path: "/clusters/c1/kms", action: "UpdateKMSEncryption", body: { kms_key_id: "k" } },
      z.unknown(),
      place.call,
    );
    expect(place.stub.seen).toMatchObject([
      {
        method: "PUT",
        path: "/clusters/c1/kms",
        action: "UpdateKMSEncryption",
        body: '{"kms_key_id":"k"}',
        headers: { "content-type": "application/json" },
      },
    ]);
  });

  it("may be answered with nothing", async () => {
    await using place = await arrange(() => ({ body: "" }));
    const request = { method: "GET", path: "/clusters/c1", action: "DescribeClusterDetail", query: { a: "b" } } as const;
    expect(await place.client.roa(request, z.undefined(), place.call)).toBeUndefined();
    expect([...(place.stub.seen[0]?.query ?? [])]).toEqual([["a", "b"]]);
  });
});

describe("a refusal", () => {
  it.each<[string, StubAnswer, object]>([
    [
      "by the service",
      { status: 409, body: { Code: "Rejected.Disabled", RequestId: "0D4C2E9A-1111-4222-8333-944445555666" } },
      { kind: "refused", serviceCode: "Rejected.Disabled", httpStatus: 409, requestId: "0D4C2E9A-1111-4222-8333-944445555666" },
    ],
    [
      "in small letters, as the cs API writes it",
      { status: 403, body: { code: "ForbiddenUpdateKMSState", requestId: "0D4C2E9A-1111-4222-8333-944445555666" } },
      { kind: "refused", serviceCode: "ForbiddenUpdateKMSState", requestId: "0D4C2E9A-1111-4222-8333-944445555666" },
    ],
    [
      "by quota, with whatever status",
      { status: 400, headers: { "x-acs-retry-after": "250" }, body: { Code: "Throttling.User" } },
      { kind: "throttled", retryAfterMs: 250 },
    ],
    [
      "by status 429",
      { status: 429, headers: { "x-acs-retry-after": "tomorrow" }, body: "" },
      { kind: "throttled", retryAfterMs: undefined, serviceCode: undefined },
    ],
    [
      "by advice without measure",
      { status: 429, headers: { "x-acs-retry-after": "99999999" }, body: "" },
      { kind: "throttled", retryAfterMs: 60_000 },
    ],
    ["by a gateway's page", { status: 503, body: "<html>a DEK</html>" }, { kind: "unavailable", httpStatus: 503, serviceCode: undefined }],
    [
      "with a code that is none",
      { status: 400, body: { Code: "YWJjZGVmZ2hpamtsbW5vcA==", RequestId: "my token" } },
      { kind: "refused", serviceCode: undefined, requestId: undefined },
    ],
    ["with a code of digits, which could be a digest", { status: 400, body: { Code: "A0b1C2" } }, { serviceCode: undefined }],
    ["with an answer that is not documented", { body: "surprise" }, { kind: "bad-answer" }],
    ["with one of another shape", { body: { KeyId: 7 } }, { kind: "bad-answer" }],
    ["with an endless one", { body: { KeyId: "x".repeat(1024 * 1024) } }, { kind: "bad-answer" }],
    ["by breaking off", "reset", { kind: "unavailable" }],
    ["by breaking off in the middle", "half", { kind: "unavailable" }],
  ])("%s is told in its own words", async (_how, answer, expected) => {
    await using place = await arrange(() => answer);
    const found = await place.describe().catch(fault);
    expect(found).toMatchObject(expected);
    expect(found).toHaveProperty("message", expect.stringMatching(/^KMS [\w ]+ ?(for )?(DescribeKey)?[\w ,.()-]*\.$/));
  });

  it("of a connection names the system's code alone", async () => {
    await using stack = new AsyncDisposableStack();
    const stub = await startStubCloud(() => ok);
    await stub[Symbol.asyncDispose]();
    const product = { name: "KMS", version: "2016-01-20" };
    const client = stack.use(new AlibabaClient({ product, endpoint: new URL(stub.url), credentials: undefined, clock: systemClock }));
    const found = await client
      .rpc("Encrypt", { Plaintext: "c2VjcmV0" }, z.object({}), { signal: new AbortController().signal })
      .catch(fault);
    expect(found).toEqual({ kind: "unavailable", message: "KMS could not be reached for Encrypt, or broke off (ECONNREFUSED)." });
  });
});

describe("the time of a call", () => {
  it("is over when its caller says so, for the caller's reason", async () => {
    await using place = await arrange(() => "hang");
    const caller = new AbortController();
    const answer = place.describe(caller.signal);
    const reason = new Error("the deadline of the gRPC call");
    while (place.stub.seen.length === 0) await systemClock.sleep(1);
    caller.abort(reason);
    await expect(answer).rejects.toBe(reason);
    await expect(place.describe(caller.signal)).rejects.toBe(reason);
  });

  it("is over after ten seconds by the clock", async () => {
    const clock = new VirtualClock();
    await using place = await arrange(() => "hang", credentialsOf(key), clock);
    const answer = place.describe().catch(fault);
    while (place.stub.seen.length === 0) await systemClock.sleep(1);
    await clock.advance(callMsMax);
    expect(await answer).toEqual({ kind: "deadline", message: "KMS did not answer DescribeKey within 10 s." });
  });
});

describe("credentials that are refused", () => {
  const next: Credentials = { accessKeyId: "STS.two", accessKeySecret: "two", securityToken: "token-two" };

  it.each(["InvalidSecurityToken.Expired", "InvalidSecurityToken.MismatchWithAccessKey", "InvalidAccessKeyId.NotFound"])(
    "as %s are renewed, once",
    async (code) => {
      const credentials = credentialsOf(temporary, next);
      const answers = [refusal(400, code), ok];
      await using place = await arrange(() => answers.shift() ?? "reset", credentials);
      expect(await place.describe()).toEqual({ KeyId: "key-1" });
      expect(credentials.refused).toEqual([temporary]);
      expect(place.stub.seen.map(({ headers }) => headers["x-acs-security-token"])).toEqual(["token-one", "token-two"]);
    },
  );

  it("again are not renewed again", async () => {
    const credentials = credentialsOf(temporary, next);
    await using place = await arrange(() => refusal(400, "InvalidSecurityToken.Expired"), credentials);
    expect(await place.describe().catch(fault)).toMatchObject({ kind: "refused", serviceCode: "InvalidSecurityToken.Expired" });
    expect(place.stub.seen).toHaveLength(2);
  });

  it.each([refusal(403, "Forbidden.NoPermission"), refusal(400, "SignatureDoesNotMatch"), refusal(500, "InternalFailure")])(
    "for another reason are not renewed",
    async (answer) => {
      const credentials = credentialsOf(temporary, next);
      await using place = await arrange(() => answer, credentials);
      await place.describe().catch(fault);
      expect(credentials.refused).toEqual([]);
      expect(place.stub.seen).toHaveLength(1);
    },
  );

  it("without others end the call", async () => {
    await using place = await arrange(() => refusal(404, "InvalidAccessKeyId.NotFound"), credentialsOf(key));
    expect(await place.describe().catch(fault)).toMatchObject({ serviceCode: "InvalidAccessKeyId.NotFound" });
    expect(place.stub.seen).toHaveLength(1);
  });
});
