import { describe, expect, it } from "vitest";
import { systemClock } from "../../../harness/clock.ts";
import { utcSeconds } from "./authorization.ts";
import { type RunningCloud, startAlibabaCloud } from "./index.ts";
import { type RequestWords, requestV1, requestV3, type SignedRequest, send } from "./testing/signed-request.ts";

const minutesAway = (minutes: number) => utcSeconds(systemClock.wallMs() + minutes * 60_000);
const forged = "0".repeat(64);

type Spoil = (request: SignedRequest, cloud: RunningCloud) => void;

/** Sends a request that is good but for what `spoil` does to it. */
async function spoiled(build: typeof requestV3, spoil: Spoil, words: Partial<RequestWords> = {}) {
  await using cloud = await startAlibabaCloud();
  const request = build({ endpoint: cloud.endpoint, credentials: cloud.root, parameters: { PageSize: "5" }, ...words });
  spoil(request, cloud);
  const { status, json } = await send(request);
  return { status, json, event: cloud.events.at(-1)?.record };
}

const changeQuery: Spoil = (request) => {
  request.url = request.url.replace("PageSize=5", "PageSize=6");
};

describe.each([
  ["V3", requestV3],
  ["V1", requestV1],
] as const)("%s", (version, build) => {
  it("takes what is right", async () => {
    expect(await spoiled(build, () => {})).toMatchObject({ status: 200, json: { TotalCount: 0, PageSize: 5 } });
  });

  it.each<[string, Spoil, Partial<RequestWords>, number, string]>([
    ["a parameter that was changed", changeQuery, {}, 400, "SignatureDoesNotMatch"],
    ["another method than was signed", (request) => void Object.assign(request, { method: "GET" }), {}, 400, "SignatureDoesNotMatch"],
    ["a date 16 minutes ago", () => {}, { date: minutesAway(-16) }, 400, "InvalidTimeStamp.Expired"],
    ["a date in 16 minutes", () => {}, { date: minutesAway(16) }, 400, "InvalidTimeStamp.Expired"],
    ["a date that is none", () => {}, { date: "2026-13-45T00:00:00Z" }, 400, "InvalidTimeStamp.Format"],
    ["a date in another form", () => {}, { date: "Thu, 01 Jan 2026 00:00:00 GMT" }, 400, "InvalidTimeStamp.Format"],
    ["no nonce", () => {}, { nonce: "" }, 400, "IncompleteSignature"],
    [
      "an unknown access key",
      () => {},
      { credentials: { accessKeyId: "LTAInobody", accessKeySecret: "s" } },
      404,
      "InvalidAccessKeyId.NotFound",
    ],
  ])("refuses %s", async (_what, spoil, words, status, code) => {
    const refused = await spoiled(build, spoil, words);
    expect(refused).toMatchObject({ status, json: { HttpStatus: status, Code: code } });
    // Nobody knows who it was; what the request said of itself is all that is written down.
    expect(refused.event).toMatchObject({ eventName: "ListKeys", errorCode: code, userIdentity: { type: "unknown" } });
  });

  it("refuses another secret", async () => {
    await using cloud = await startAlibabaCloud();
    const credentials = { ...cloud.root, accessKeySecret: "another" };
    expect(await send(build({ endpoint: cloud.endpoint, credentials }))).toMatchObject({ json: { Code: "SignatureDoesNotMatch" } });
  });

  it("refuses a request that comes twice, and not one with the same nonce under another key", async () => {
    await using cloud = await startAlibabaCloud();
    const { endpoint } = cloud;
    const words = { endpoint, nonce: "6fe5cb2f-6e68-4e55-9a2c-2bb4ac0ab4b4" };
    const request = build({ ...words, credentials: cloud.root });
    expect(await send(request)).toMatchObject({ status: 200 });
    expect(await send(request)).toMatchObject({ status: 400, json: { Code: "SignatureNonceUsed" } });
    const credentials = cloud.admin.createUser("other", ["AdministratorAccess"]);
    expect(await send(build({ ...words, credentials }))).toMatchObject({ status: 200 });
  });

  it("does not let a forger use a nonce up", async () => {
    await using cloud = await startAlibabaCloud();
    const words = { endpoint: cloud.endpoint, nonce: "a-nonce" };
    const credentials = { ...cloud.root, accessKeySecret: "another" };
    expect(await send(build({ ...words, credentials }))).toMatchObject({ status: 400 });
    expect(await send(build({ ...words, credentials: cloud.root }))).toMatchObject({ status: 200 });
  });

  it("refuses an inactive access key", async () => {
    await using cloud = await startAlibabaCloud();
    const { endpoint } = cloud;
    const credentials = cloud.admin.createUser("former", ["AdministratorAccess"]);
    const parameters = { UserName: "former", UserAccessKeyId: credentials.accessKeyId, Status: "Inactive" };
    const update = build({ endpoint, credentials: cloud.root, version: "2015-05-01", action: "UpdateAccessKey", parameters });
    expect(await send(update)).toMatchObject({ status: 200 });
    expect(await send(build({ endpoint, credentials }))).toMatchObject({ status: 400, json: { Code: "InvalidAccessKeyId.Inactive" } });
  });

  it("wants a session's own token, and only until it expires", async () => {
    await using cloud = await startAlibabaCloud();
    const { endpoint } = cloud;
    const service = { servicePrincipal: "ecs.aliyuncs.com", roleName: "KmsmarkPluginRole" };
    cloud.admin.createUser("anybody", []);
    const { keyId } = cloud.admin.createKey();
    const [own, foreign] = ["one", "other"].map((sessionName) => cloud.cloud.roles.assumeAsService({ ...service, sessionName }));
    if (own === undefined || foreign === undefined) throw new TypeError("There are two.");
    const call = (credentials: RequestWords["credentials"]) =>
      send(build({ endpoint, credentials, action: "DescribeKey", parameters: { KeyId: keyId } }));
    const { accessKeyId, accessKeySecret } = own;
    expect(await call(own)).toMatchObject({ status: 200 });
    expect(await call({ accessKeyId, accessKeySecret })).toMatchObject({ json: { Code: "MissingSecurityToken" } });
    expect(await call({ ...own, securityToken: foreign.securityToken })).toMatchObject({
      json: { Code: "InvalidSecurityToken.MismatchWithAccessKey" },
    });
    expect(await call({ ...own, securityToken: "made up" })).toMatchObject({ json: { Code: "InvalidSecurityToken.Malformed" } });
    expect(await call({ ...cloud.root, securityToken: own.securityToken })).toMatchObject({
      json: { Code: "InvalidSecurityToken.MismatchWithAccessKey" },
    });
    cloud.admin.expireSessions();
    expect(await call(own)).toMatchObject({ status: 400, json: { Code: "InvalidSecurityToken.Expired" } });
  });

  it(`writes no signature, token or secret of ${version} into an event`, async () => {
    await using cloud = await startAlibabaCloud();
    const session = cloud.cloud.roles.assumeAsService({
      servicePrincipal: "ecs.aliyuncs.com",
      roleName: "KmsmarkPluginRole",
      sessionName: "s1",
    });
    const { keyId } = cloud.admin.createKey();
    const parameters = { KeyId: keyId, Plaintext: "c2VjcmV0LXBsYWludGV4dA==" };
    const request = build({ endpoint: cloud.endpoint, credentials: session, action: "Encrypt", parameters });
    const { json } = await send(request);
    expect(json).toMatchObject({ KeyId: keyId });
    const written = JSON.stringify(cloud.events);
    const blob = String(Object.entries(json ?? {}).find(([name]) => name === "CiphertextBlob")?.[1]);
    const signature = /Signature=([^&]+)/.exec(`${request.headers["authorization"]} ${request.url}`)?.[1] ?? "";
    expect(blob.length).toBeGreaterThan(80);
    expect(signature.length).toBeGreaterThan(20);
    for (const secret of [parameters.Plaintext, blob, signature, session.securityToken, session.accessKeySecret]) {
      expect(written).not.toContain(secret);
      expect(written).not.toContain(decodeURIComponent(secret));
    }
  });
});

describe("V3 alone", () => {
  it.each<[string, Spoil, string]>([
    ["a changed body", (request) => void Object.assign(request, { body: '{"a":2}' }), "SignatureDoesNotMatch"],
    ["a forged signature", ({ headers }) => replace(headers, /Signature=\w+/, `Signature=${forged}`), "SignatureDoesNotMatch"],
    [
      "a changed header",
      ({ headers }) => void Object.assign(headers, { "x-acs-action": "DescribeAccountKmsStatus" }),
      "SignatureDoesNotMatch",
    ],
    ["an unsigned x-acs header", ({ headers }) => void Object.assign(headers, { "x-acs-more": "1" }), "IncompleteSignature"],
    ["a signature without the host", ({ headers }) => replace(headers, "host;", ""), "IncompleteSignature"],
    ["a signature without the body's hash", ({ headers }) => replace(headers, "x-acs-content-sha256;", ""), "IncompleteSignature"],
    ["a body whose type is not signed", ({ headers }) => replace(headers, "content-type;", ""), "IncompleteSignature"],
    ["a body of another type", ({ headers }) => void Object.assign(headers, { "content-type": "text/plain" }), "SignatureDoesNotMatch"],
    ["another scheme", ({ headers }) => replace(headers, "ACS3-HMAC-SHA256", "ACS3-HMAC-SM3"), "IncompleteSignature"],
    ["a header that is signed and absent", ({ headers }) => replace(headers, "host;", "host;x-acs-absent;"), "IncompleteSignature"],
  ])("refuses %s", async (_what, spoil, code) => {
    expect(await spoiled(requestV3, spoil, { body: '{"a":1}' })).toMatchObject({ status: 400, json: { Code: code } });
  });
});

it("V3 refuses a stated hash that is not the body's, however it is signed", async () => {
  const refused = await spoiled(requestV3, () => {}, { statedHash: "0".repeat(64) });
  expect(refused).toMatchObject({ status: 400, json: { Code: "SignatureDoesNotMatch" } });
});

describe("V1 alone", () => {
  it.each<[string, Spoil, string]>([
    ["no signature", (request) => void Object.assign(request, { url: request.url.replace(/&Signature=[^&]+/, "") }), "IncompleteSignature"],
    [
      "another method of signing",
      (request) => void Object.assign(request, { url: request.url.replace("HMAC-SHA1", "HMAC-MD5") }),
      "InvalidSignatureMethod",
    ],
    ["a body that it does not cover", (request) => void Object.assign(request, { body: "{}" }), "IncompleteSignature"],
    ["a parameter that comes twice", (request) => void Object.assign(request, { url: `${request.url}&PageSize=7` }), "InvalidParameter"],
  ])("refuses %s", async (_what, spoil, code) => {
    expect(await spoiled(requestV1, spoil)).toMatchObject({ status: 400, json: { Code: code } });
  });

  it("does not let a header, which is not signed, say what the call is for", async () => {
    const headers = { "x-acs-action": "DescribeAccountKmsStatus", "x-acs-version": "2016-01-20" };
    const answer = await spoiled(requestV1, (request) => void Object.assign(request.headers, headers));
    expect(answer).toMatchObject({ status: 200, json: { TotalCount: 0 }, event: { eventName: "ListKeys" } });
  });

  it("does not sign paths, and is not taken for an API that has them", async () => {
    const operations = { DeleteThing: { access: "Write", route: "POST /things/{Id}", handle: () => ({}) } } as const;
    const things = () => ({ product: "Things", version: "2000-01-01", style: "roa", operations }) as const;
    await using cloud = await startAlibabaCloud({ services: [things] });
    const words = { endpoint: cloud.endpoint, credentials: cloud.root, version: "2000-01-01", action: "DeleteThing" };
    expect(await send(requestV3({ ...words, path: "/things/1" }))).toMatchObject({ status: 200 });
    const signed = requestV1(words);
    expect(await send({ ...signed, url: signed.url.replace("/?", "/things/1?") })).toMatchObject({ json: { code: "IncompleteSignature" } });
  });
});

function replace(headers: Record<string, string>, from: string | RegExp, to: string): void {
  headers["authorization"] = headers["authorization"]?.replace(from, to) ?? "";
}
