import { describe, expect, it } from "vitest";
import { systemClock } from "../../harness/clock.ts";
import { Random } from "../../harness/random.ts";
import { VirtualClock } from "../../harness/virtual-clock.ts";
import { type CallContext, type KmsProvider, ProviderFault, type Wrapped } from "../provider.ts";
import { openAlibabaProvider, settingsOf } from "../providers/alibaba.ts";
import { KeyService } from "../service.ts";
import { refusal, StubKey, startStubCloud } from "../testing/stub-cloud.ts";
import { keyVersionFreshMs } from "./kms-provider.ts";

const environment = { ALIBABA_CLOUD_ACCESS_KEY_ID: "testid", ALIBABA_CLOUD_ACCESS_KEY_SECRET: "testsecret" };
const dek = Uint8Array.from({ length: 32 }, (_byte, index) => 200 + index);

async function arrange({ words = {}, clock = systemClock }: { words?: Record<string, string>; clock?: typeof systemClock } = {}) {
  const stack = new AsyncDisposableStack();
  const key = new StubKey();
  const stub = stack.use(await startStubCloud(key.answer));
  const said: string[] = [];
  const log = { info: (message: string) => void said.push(message), warn: (message: string) => void said.push(message) };
  const open = async (more: Record<string, string> = {}): Promise<KmsProvider> => {
    const settings = settingsOf({ "key-id": key.id, endpoint: stub.url, ...words, ...more }, environment);
    return stack.use(await openAlibabaProvider(settings, { log, clock }));
  };
  const context = (timeoutMs = 3000): CallContext => ({
    signal: new AbortController().signal,
    deadlineMs: clock.monotonicMs() + timeoutMs,
    uid: "u",
  });
  return { key, stub, said, open, context, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const refused = (kind: string, message: string | RegExp) =>
  expect.objectContaining({
    kind,
    message: typeof message === "string" ? expect.stringContaining(message) : expect.stringMatching(message),
  });

describe("KMS v2", () => {
  it("names the key and the version that encrypted, and gives the KMS's own bytes", async () => {
    await using place = await arrange();
    const provider = await place.open();
    const wrapped = await provider.encrypt(dek, place.context());
    expect(wrapped.keyId).toBe(`${place.key.id}/${place.key.primary}`);
    expect(Buffer.from(wrapped.ciphertext).toString("latin1", 0, 36)).toBe(place.key.primary);
    expect(wrapped.ciphertext.length).toBeLessThanOrEqual(1024);
    expect(Buffer.from(await provider.decrypt(wrapped, place.context()))).toEqual(Buffer.from(dek));
    expect(await provider.currentKey(place.context())).toEqual({ keyId: wrapped.keyId });
  });

  it("binds cluster, key, form and purpose", async () => {
    await using place = await arrange({ words: { "cluster-id": "c-1" } });
    const provider = await place.open();
    await provider.encrypt(dek, place.context());
    await provider.encryptV1(dek, place.context());
    const contexts = place.stub.seen
      .filter(({ action }) => action === "Encrypt")
      .map(({ query }) => JSON.parse(query.get("EncryptionContext") ?? ""));
    const bound = { "kmsmark-cluster": "c-1", "kmsmark-form": "1", "kmsmark-key": place.key.id };
    expect(contexts).toEqual(["probe", "v2", "v1"].map((purpose) => ({ ...bound, "kmsmark-purpose": purpose })));
  });

  it("opens nothing under another cluster's id", async () => {
    await using place = await arrange();
    const wrapped = await (await place.open({ "cluster-id": "c-1" })).encrypt(dek, place.context());
    const other = await place.open({ "cluster-id": "c-2" });
    await expect(other.decrypt(wrapped, place.context())).rejects.toEqual(refused("invalid-ciphertext", "--cluster-id"));
  });

  it.each([0, 1, 6143])("takes %i bytes", async (length) => {
    await using place = await arrange();
    const provider = await place.open();
    const plaintext = new Uint8Array(length).fill(7);
    expect(Buffer.from(await provider.decrypt(await provider.encrypt(plaintext, place.context()), place.context()))).toEqual(
      Buffer.from(plaintext),
    );
  });

  it("takes no more than the KMS does", async () => {
    await using place = await arrange();
    const provider = await place.open();
    await expect(provider.encrypt(new Uint8Array(6144), place.context())).rejects.toEqual(refused("invalid-request", "6144 bytes"));
  });

  it.each<[string, (wrapped: Wrapped, key: StubKey) => Partial<Wrapped>, string]>([
    ["a key_id of nobody", () => ({ keyId: "local-key" }), "The key_id is none"],
    ["a key_id of another version", ({ keyId }) => ({ keyId: `${keyId}0` }), "another key version"],
    ["a key_id of another key", (_wrapped, { primary }) => ({ keyId: `key-other/${primary}` }), "The KMS cannot open"],
    ["no annotation", () => ({ annotations: new Map() }), "annotations"],
    ["another annotation", ({ annotations }) => ({ annotations: new Map([...annotations, ["a.b", Buffer.from("1")]]) }), "annotations"],
    ["another value of it", () => ({ annotations: new Map([["form.kmsmark.local", Buffer.from("2")]]) }), "annotations"],
    [
      "a changed ciphertext",
      ({ ciphertext }) => ({ ciphertext: ciphertext.map((byte, at) => (at === 60 ? byte ^ 1 : byte)) }),
      "The KMS cannot open",
    ],
    [
      "another version in it",
      ({ ciphertext }) => ({ ciphertext: ciphertext.map((byte, at) => (at === 0 ? byte ^ 1 : byte)) }),
      "The KMS cannot open",
    ],
  ])("refuses %s", async (_what, change, message) => {
    await using place = await arrange();
    const provider = await place.open();
    const wrapped = await provider.encrypt(dek, place.context());
    const wrong = { ...wrapped, ...change(wrapped, place.key) };
    await expect(provider.decrypt(wrong, place.context())).rejects.toEqual(refused("invalid-ciphertext", message));
  });

  it("asks the KMS nothing about what cannot be its own", async () => {
    await using place = await arrange();
    const provider = await place.open();
    const wrapped = await provider.encrypt(dek, place.context());
    const before = place.stub.seen.length;
    await provider.decrypt({ ...wrapped, keyId: "x" }, place.context()).catch(() => {});
    await provider.decrypt({ ...wrapped, annotations: new Map() }, place.context()).catch(() => {});
    await provider.decryptV1(Uint8Array.of(9, 9, 9), place.context()).catch(() => {});
    expect(place.stub.seen.length).toBe(before);
  });

  it("makes one call of equal Decrypts under way, and lets each caller leave", async () => {
    await using place = await arrange();
    const provider = await place.open();
    const wrapped = await provider.encrypt(dek, place.context());
    const leaver = new AbortController();
    const left = provider.decrypt(wrapped, { ...place.context(), signal: leaver.signal });
    const others = Array.from({ length: 9 }, () => provider.decrypt(wrapped, place.context()));
    const gone = new ProviderFault("cancelled", "The caller went away.");
    leaver.abort(gone);
    await expect(left).rejects.toBe(gone);
    expect((await Promise.all(others)).map((plaintext) => Buffer.from(plaintext).equals(dek))).toEqual(Array(9).fill(true));
    // One of them was the dry run of the start.
    expect(place.stub.counts()["Decrypt"]).toBe(2);
  });
});

describe("KMS v1", () => {
  it("has all in the ciphertext", async () => {
    await using place = await arrange();
    const cipher = await (await place.open()).encryptV1(dek, place.context());
    place.key.rotate();
    expect(Buffer.from(await (await place.open()).decryptV1(cipher, place.context()))).toEqual(Buffer.from(dek));
  });

  it("opens nothing of KMS v2, nor the other way round", async () => {
    await using place = await arrange();
    const provider = await place.open();
    const cipher = await provider.encryptV1(dek, place.context());
    const wrapped = await provider.encrypt(dek, place.context());
    const blob = cipher.subarray(2 + place.key.id.length);
    await expect(provider.decrypt({ ...wrapped, ciphertext: blob }, place.context())).rejects.toEqual(
      refused("invalid-ciphertext", "cannot open"),
    );
    const framed = Buffer.concat([cipher.subarray(0, 2 + place.key.id.length), wrapped.ciphertext]);
    await expect(provider.decryptV1(framed, place.context())).rejects.toEqual(refused("invalid-ciphertext", "cannot open"));
    await expect(provider.decryptV1(wrapped.ciphertext, place.context())).rejects.toEqual(refused("invalid-ciphertext", "none of KMS v1"));
  });
});

describe("the key version", () => {
  it("changes with a rotation in the KMS, for one more Encrypt", async () => {
    await using place = await arrange();
    const provider = await place.open();
    const old = await provider.encrypt(dek, place.context());
    place.key.rotate();
    const now = await provider.currentKey(place.context());
    expect(now.keyId).toBe(`${place.key.id}/${place.key.primary}`);
    expect(now.keyId).not.toBe(old.keyId);
    expect(await provider.currentKey(place.context())).toEqual(now);
    expect(Buffer.from(await provider.decrypt(old, place.context()))).toEqual(Buffer.from(dek));
    // Start, Encrypt, rotation.
    expect(place.stub.counts()).toEqual({ DescribeKey: 3, Encrypt: 3, Decrypt: 2 });
  });

  it("is that of Encrypt where the KMS calls another one primary", async () => {
    await using place = await arrange();
    place.key.encrypting = place.key.primary;
    const initial = place.key.primary;
    place.key.rotate();
    const provider = await place.open();
    expect(await provider.currentKey(place.context())).toEqual({ keyId: `${place.key.id}/${initial}` });
    expect((await provider.encrypt(dek, place.context())).keyId).toBe(`${place.key.id}/${initial}`);
  });

  it("is tried by an Encrypt again after one that failed", async () => {
    await using place = await arrange();
    const provider = await place.open();
    let isDenied = true;
    place.stub.answer(({ action }) => (isDenied && action === "Encrypt" ? refusal(403, "Forbidden.NoPermission") : undefined));
    await expect(provider.encrypt(dek, place.context())).rejects.toEqual(refused("permission-denied", "kms:Encrypt"));
    await expect(provider.currentKey(place.context())).rejects.toEqual(refused("permission-denied", "kms:Encrypt"));
    isDenied = false;
    expect(await provider.currentKey(place.context())).toEqual({ keyId: `${place.key.id}/${place.key.primary}` });
  });

  it("costs at most 240 questions an hour however often Status is asked, 60 with a poll a minute", async () => {
    const clock = new VirtualClock();
    const asked: number[] = [];
    const provider: KmsProvider = {
      name: "counting",
      keyVersionFreshMs,
      currentKey: async () => {
        asked.push(clock.monotonicMs());
        return { keyId: "key-1/v1" };
      },
      encrypt: () => Promise.reject(new Error("not asked")),
      decrypt: () => Promise.reject(new Error("not asked")),
      encryptV1: () => Promise.reject(new Error("not asked")),
      decryptV1: () => Promise.reject(new Error("not asked")),
      async [Symbol.asyncDispose]() {},
    };
    const service = new KeyService(provider, { clock, random: new Random("status"), observer: {}, runtimeVersion: "1" });
    const poll = async (everyMs: number) => {
      asked.length = 0;
      const endMs = clock.monotonicMs() + 3_600_000;
      while (clock.monotonicMs() < endMs) {
        await service.status({ signal: new AbortController().signal, deadlineMs: clock.monotonicMs() + 3000, uid: "" });
        await clock.advance(everyMs);
      }
      return asked.length;
    };
    expect(await poll(200)).toBeLessThanOrEqual(240);
    await clock.advance(60_000);
    expect(await poll(60_000)).toBe(60);
  });

  it("is told by the first poll after a rotation where kube-apiserver polls once a minute", async () => {
    const clock = new VirtualClock();
    let keyId = "key-1/v1";
    const provider: KmsProvider = {
      name: "rotating",
      keyVersionFreshMs,
      currentKey: async () => ({ keyId }),
      encrypt: () => Promise.reject(new Error("not asked")),
      decrypt: () => Promise.reject(new Error("not asked")),
      encryptV1: () => Promise.reject(new Error("not asked")),
      decryptV1: () => Promise.reject(new Error("not asked")),
      async [Symbol.asyncDispose]() {},
    };
    const service = new KeyService(provider, { clock, random: new Random("status"), observer: {}, runtimeVersion: "1" });
    const poll = () => service.status({ signal: new AbortController().signal, deadlineMs: clock.monotonicMs() + 3000, uid: "" });
    expect((await poll()).keyId).toBe("key-1/v1");
    await clock.advance(1);
    keyId = "key-1/v2";
    await clock.advance(59_999);
    expect((await poll()).keyId).toBe("key-1/v2");
  });
});

describe("faults", () => {
  it.each<[number, string, string, string]>([
    [409, "Rejected.Disabled", "key-unusable", "disabled"],
    [409, "Rejected.PendingDeletion", "key-unusable", "cancel"],
    [409, "Rejected.PendingImport", "key-unusable", "import"],
    [409, "Rejected.StateModifiedFailed", "key-unusable", "present state"],
    [400, "Rejected.UnsupportedOperation", "key-unusable", "Aliyun_AES_256"],
    [404, "Forbidden.KeyNotFound", "key-unusable", "no such key"],
    [403, "Forbidden.NoPermission", "permission-denied", "kms:Encrypt"],
    [403, "Forbidden.RAM", "permission-denied", "kms:Encrypt"],
    [403, "Unheard", "permission-denied", "kms:Encrypt"],
    [403, "Forbidden.KmsServiceNotEnabled", "permission-denied", "activate"],
    [403, "Forbidden.InDebtOverdue", "permission-denied", "pay"],
    [403, "Forbidden.ProhibitedByRiskControl", "permission-denied", "Risk control"],
    [403, "Forbidden.AccessKey", "permission-denied", "access key"],
    [404, "InvalidAccessKeyId.NotFound", "permission-denied", "access key"],
    [400, "InvalidSecurityToken.Expired", "permission-denied", "temporary credentials"],
    [400, "SignatureDoesNotMatch", "permission-denied", "secret"],
    [400, "InvalidTimeStamp.Expired", "permission-denied", "clock"],
    [400, "IllegalTimestamp", "permission-denied", "clock"],
    [400, "InvalidParameter", "invalid-request", "does not take"],
    [400, "SignatureNonceUsed", "unavailable", "seen the request"],
    [429, "Rejected.Throttling", "throttled", "throttles"],
    [400, "Throttling.User", "throttled", "throttles"],
    [500, "InternalFailure", "unavailable", "not available"],
    [503, "ServiceUnavailableTemporary", "unavailable", "not available"],
    [418, "Teapot", "internal", "does not know"],
  ])("HTTP %i %s of Encrypt is %s", async (status, code, kind, words) => {
    await using place = await arrange();
    const provider = await place.open();
    place.stub.answer(({ action }) => (action === "Encrypt" ? refusal(status, code) : undefined));
    const found = await provider.encrypt(dek, place.context()).catch((thrown: unknown) => thrown);
    expect(found).toEqual(refused(kind, words));
    expect(found).toHaveProperty("message", expect.stringContaining(`${code}, HTTP ${status}, request `));
  });

  it.each(["InvalidParameter", "Forbidden.KeyVersionNotFound", "ValidationError"])(
    "%s of Decrypt is about the ciphertext",
    async (code) => {
      await using place = await arrange();
      const provider = await place.open();
      const wrapped = await provider.encrypt(dek, place.context());
      place.stub.answer(({ action }) => (action === "Decrypt" ? refusal(400, code) : undefined));
      await expect(provider.decrypt(wrapped, place.context())).rejects.toEqual(refused("invalid-ciphertext", "cannot open"));
    },
  );

  it("pass on how long the KMS advises to wait", async () => {
    await using place = await arrange();
    const provider = await place.open();
    place.stub.answer(({ action }) =>
      action === "Encrypt" ? refusal(429, "Rejected.Throttling", { "x-acs-retry-after": "700" }) : undefined,
    );
    await expect(provider.encrypt(dek, place.context())).rejects.toMatchObject({ kind: "throttled", retryAfterMs: 700 });
  });

  it("of a KMS that is away open the breaker, which says so, and closes when it is back", async () => {
    const clock = new VirtualClock();
    await using place = await arrange({ clock });
    const provider = await place.open();
    let isAway = true;
    place.stub.answer(() => (isAway ? "reset" : undefined));
    for (let call = 0; call < 5; call++) {
      await expect(provider.encrypt(dek, place.context())).rejects.toEqual(refused("unavailable", "could not be reached"));
    }
    const before = place.stub.seen.length;
    await expect(provider.encrypt(dek, place.context())).rejects.toMatchObject({
      kind: "unavailable",
      retryAfterMs: 5000,
      message: "The KMS was not available for 5 calls in a row and is not asked for 5 s (circuit breaker: open).",
    });
    expect(place.stub.seen.length).toBe(before);
    isAway = false;
    await clock.advance(5000);
    await provider.encrypt(dek, place.context());
  });

  it.each([
    [999, "hang"],
    [1000, "open"],
  ])("of callers who gave a hanging KMS %i ms leave the next to %s", async (patienceMs, next) => {
    const clock = new VirtualClock();
    await using place = await arrange({ clock });
    const provider = await place.open();
    place.stub.answer(() => "hang");
    const deadline = new ProviderFault("deadline", "The deadline of the call is over.");
    const call = async () => {
      const caller = new AbortController();
      const before = place.stub.seen.length;
      const answer = provider.encrypt(dek, { ...place.context(), signal: caller.signal }).catch((thrown: unknown) => thrown);
      const isSent = async () => {
        while (place.stub.seen.length === before) await systemClock.sleep(1);
      };
      await Promise.race([answer, isSent()]);
      await clock.advance(patienceMs);
      caller.abort(deadline);
      return answer;
    };
    for (let round = 0; round < 5; round++) expect(await call()).toBe(deadline);
    const found = await call();
    if (next === "hang") expect(found).toBe(deadline);
    else expect(found).toEqual(refused("unavailable", "circuit breaker: open"));
  });

  it("of the KMS's quota or a key do not open the breaker", async () => {
    await using place = await arrange();
    const provider = await place.open();
    const codes = ["Rejected.Throttling", "Rejected.Disabled"];
    let call = 0;
    place.stub.answer(({ action }) => (action === "Encrypt" ? refusal(429, codes[call++ % 2] ?? "") : undefined));
    for (let round = 0; round < 12; round++) await provider.encrypt(dek, place.context()).catch(() => {});
    expect(place.stub.counts()["Encrypt"]).toBe(13);
  });
});
