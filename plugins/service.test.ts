import { describe, expect, it } from "vitest";
import { Random } from "../harness/random.ts";
import { VirtualClock } from "../harness/virtual-clock.ts";
import type { ProviderCall } from "./observer.ts";
import { type CallContext, type KeyVersion, type KmsProvider, ProviderFault, type Wrapped } from "./provider.ts";
import { KeyService } from "./service.ts";

/** A KMS that does as it is told; it "encrypts" by putting one byte in front. */
class ScriptedProvider implements KmsProvider {
  readonly name = "scripted";
  keyVersionFreshMs = 45_000;
  keyId = "key-1";
  /** Thrown by every call while set. */
  fault: Error | undefined;
  /** Every call takes this long and does not care for its signal. */
  durationMs = 0;
  wrapped: Partial<Wrapped> = {};
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  async currentKey(): Promise<KeyVersion> {
    const { keyId } = this;
    await this.#work();
    return { keyId };
  }

  async encrypt(plaintext: Uint8Array): Promise<Wrapped> {
    const { keyId } = this;
    await this.#work();
    return { ciphertext: Buffer.concat([Buffer.of(0), plaintext]), keyId, annotations: new Map(), ...this.wrapped };
  }

  async decrypt({ ciphertext }: Wrapped): Promise<Uint8Array> {
    await this.#work();
    return ciphertext.subarray(1);
  }

  async encryptV1(plaintext: Uint8Array): Promise<Uint8Array> {
    await this.#work();
    return this.wrapped.ciphertext ?? Buffer.concat([Buffer.of(1), plaintext]);
  }

  async decryptV1(ciphertext: Uint8Array): Promise<Uint8Array> {
    await this.#work();
    return ciphertext.subarray(1);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #work(): Promise<void> {
    if (this.durationMs > 0) await this.#clock.sleep(this.durationMs);
    if (this.fault !== undefined) throw this.fault;
  }
}

function arrange() {
  const clock = new VirtualClock();
  const provider = new ScriptedProvider(clock);
  const calls: string[] = [];
  const onProviderCall = ({ operation, outcome }: ProviderCall) => calls.push(`${operation} ${outcome}`);
  const service = new KeyService(provider, { clock, random: new Random("service"), observer: { onProviderCall }, runtimeVersion: "1.2.3" });
  const context = (timeoutMs = 3000): CallContext => ({
    signal: new AbortController().signal,
    deadlineMs: clock.monotonicMs() + timeoutMs,
    uid: "u",
  });
  return { clock, provider, calls, service, context };
}

const ok = (keyId: string) => ({ version: "v2", healthz: "ok", keyId });
const encryptRequest = { plaintext: new Uint8Array(32), uid: "u" };
const decryptRequest = { ciphertext: new Uint8Array(33), uid: "u", keyId: "key-1", annotations: new Map<string, Uint8Array>() };
const down = new ProviderFault("permission-denied", "The KMS refuses the credentials.");

describe("Status", () => {
  it("asks the KMS once and answers from memory while that is fresh", async () => {
    const { clock, calls, service, context } = arrange();
    expect(await service.status(context())).toEqual(ok("key-1"));
    await clock.advance(45_000);
    expect(await service.status(context())).toEqual(ok("key-1"));
    expect(calls).toEqual(["currentKey ok"]);
  });

  it("answers at once and asks in the background when the answer has aged", async () => {
    const { clock, provider, calls, service, context } = arrange();
    await service.status(context());
    provider.keyId = "key-2";
    await clock.advance(60_000);
    expect(await service.status(context())).toEqual(ok("key-1"));
    await clock.advance(0);
    expect(await service.status(context())).toEqual(ok("key-2"));
    expect(calls).toEqual(["currentKey ok", "currentKey ok"]);
  });

  it("waits for the KMS when the answer is too old", async () => {
    const { clock, provider, service, context } = arrange();
    await service.status(context());
    provider.keyId = "key-2";
    await clock.advance(135_001);
    expect(await service.status(context())).toEqual(ok("key-2"));
  });

  it("takes what an Encrypt said for an answer", async () => {
    const { provider, calls, service, context } = arrange();
    provider.keyId = "key-2";
    await service.encrypt(encryptRequest, context());
    expect(await service.status(context())).toEqual(ok("key-2"));
    expect(calls).toEqual(["encrypt ok"]);
  });

  it("never lets the answer to an earlier question replace that to a later", async () => {
    const { clock, provider, service, context } = arrange();
    provider.durationMs = 1000;
    const slow = service.encrypt(encryptRequest, context());
    await clock.advance(500);
    provider.durationMs = 0;
    provider.keyId = "key-2";
    await service.encrypt(encryptRequest, context());
    await clock.advance(1000);
    expect((await slow).keyId).toBe("key-1");
    expect(await service.status(context())).toEqual(ok("key-2"));
  });

  it("asks every time a provider for which that costs nothing", async () => {
    const { provider, calls, service, context } = arrange();
    provider.keyVersionFreshMs = 0;
    await service.status(context());
    provider.keyId = "key-2";
    expect(await service.status(context())).toEqual(ok("key-2"));
    expect(calls).toHaveLength(2);
  });

  it("asks once for many that wait", async () => {
    const { clock, provider, calls, service, context } = arrange();
    provider.durationMs = 10;
    const answers = Promise.all(Array.from({ length: 64 }, () => service.status(context())));
    await clock.advance(10);
    expect(new Set((await answers).map(({ keyId }) => keyId))).toEqual(new Set(["key-1"]));
    expect(calls).toEqual(["currentKey ok"]);
  });

  it("fails while no key version was ever known", async () => {
    const { provider, service, context } = arrange();
    provider.fault = down;
    await expect(service.status(context())).rejects.toBe(down);
  });

  it("names the last known key version beside the reason why the KMS cannot be used, until it can", async () => {
    const { provider, service, context } = arrange();
    await service.status(context());
    provider.fault = down;
    await expect(service.encrypt(encryptRequest, context())).rejects.toBe(down);
    expect(service.health).toBe("The KMS refuses the credentials.");
    expect(await service.status(context())).toEqual({ ...ok("key-1"), healthz: "The KMS refuses the credentials." });
    provider.fault = undefined;
    expect(await service.status(context())).toEqual(ok("key-1"));
    expect(service.health).toBe("ok");
  });

  it("says in time that a KMS hangs", async () => {
    const { clock, provider, service, context } = arrange();
    await service.status(context());
    await clock.advance(200_000);
    provider.durationMs = 1_000_000;
    const answer = service.status(context(3000));
    await clock.advance(2400);
    expect(await answer).toEqual({ ...ok("key-1"), healthz: "The KMS did not answer in time." });
  });
});

describe("requests", () => {
  const badRequest = (message: string) => expect.objectContaining({ kind: "invalid-request", message: expect.stringContaining(message) });

  it("are refused without a uid", async () => {
    const { calls, service, context } = arrange();
    await expect(service.encrypt({ ...encryptRequest, uid: "" }, context())).rejects.toEqual(badRequest("no uid"));
    await expect(service.decrypt({ ...decryptRequest, uid: "" }, context())).rejects.toEqual(badRequest("no uid"));
    expect(calls).toEqual([]);
  });

  it("have at most 64 KiB of plaintext", async () => {
    const { service, context } = arrange();
    expect((await service.encrypt({ plaintext: new Uint8Array(65_536), uid: "u" }, context())).ciphertext).toHaveLength(65_537);
    await expect(service.encrypt({ plaintext: new Uint8Array(65_537), uid: "u" }, context())).rejects.toEqual(badRequest("65537 bytes"));
    await expect(service.encryptV1({ version: "v1beta1", plain: new Uint8Array(65_537) }, context())).rejects.toEqual(
      badRequest("65537 bytes"),
    );
  });

  it.each([
    ["an empty ciphertext", { ciphertext: new Uint8Array(0) }, "0 bytes"],
    ["too long a ciphertext", { ciphertext: new Uint8Array(65_536 + 993) }, "66529 bytes"],
    ["no key_id", { keyId: "" }, "key_id has 0 bytes"],
    ["too long a key_id", { keyId: "k".repeat(1025) }, "key_id has 1025 bytes"],
    ["an annotation that is no domain name", { annotations: new Map([["panda", new Uint8Array(0)]]) }, "domain name"],
    ["too many annotations", { annotations: new Map([["a.b", new Uint8Array(32_766)]]) }, "32769 bytes"],
  ])("to Decrypt are refused with %s", async (_what, wrong, message) => {
    const { service, context } = arrange();
    await expect(service.decrypt({ ...decryptRequest, ...wrong }, context())).rejects.toEqual(badRequest(message));
  });

  it("of KMS v1 are of version v1beta1", async () => {
    const { service, context } = arrange();
    expect(service.version({ version: "v1beta1" })).toEqual({
      version: "v1beta1",
      runtimeName: "kmsmark-scripted",
      runtimeVersion: "1.2.3",
    });
    expect(() => service.version({ version: "v1" })).toThrow(badRequest("v1beta1"));
    await expect(service.encryptV1({ version: "", plain: new Uint8Array(1) }, context())).rejects.toEqual(badRequest("v1beta1"));
    await expect(service.decryptV1({ version: "v2", cipher: new Uint8Array(1) }, context())).rejects.toEqual(badRequest("v1beta1"));
  });

  it("that are bad leave the plugin healthy", async () => {
    const { service, context } = arrange();
    await service.status(context());
    await service.encrypt({ ...encryptRequest, uid: "" }, context()).catch(() => {});
    expect(service.health).toBe("ok");
  });
});

describe("what a provider returns", () => {
  it.each([
    ["an empty key_id", { keyId: "" }],
    ["a key_id of 1025 bytes", { keyId: "k".repeat(1025) }],
    ["an empty ciphertext", { ciphertext: new Uint8Array(0) }],
    ["1025 bytes for a seed of 32", { ciphertext: new Uint8Array(1025) }],
    ["an annotation without a dot", { annotations: new Map([["panda", new Uint8Array(1)]]) }],
    ["an annotation in capitals", { annotations: new Map([["Panda.Example", new Uint8Array(1)]]) }],
    ["an annotation with an empty key", { annotations: new Map([["", new Uint8Array(1)]]) }],
    ["annotations of 32769 bytes", { annotations: new Map([["a.b", new Uint8Array(32_766)]]) }],
  ])("is refused as its defect: %s", async (_what, wrong) => {
    const { provider, service, context } = arrange();
    provider.wrapped = wrong;
    await expect(service.encrypt(encryptRequest, context())).rejects.toMatchObject({ kind: "internal" });
    expect(service.health).not.toBe("ok");
  });

  it("is accepted up to kube-apiserver's limits", async () => {
    const { provider, service, context } = arrange();
    provider.wrapped = {
      keyId: "k".repeat(1024),
      ciphertext: new Uint8Array(1024),
      annotations: new Map([
        ["a.b", new Uint8Array(32_768 - 3 - 4)],
        ["c.d.", new Uint8Array(0)],
      ]),
    };
    expect(await service.encrypt(encryptRequest, context())).toEqual(provider.wrapped);
  });

  it("is refused as its defect when Status would name a bad key_id", async () => {
    const { provider, service, context } = arrange();
    provider.keyId = "";
    await expect(service.status(context())).rejects.toMatchObject({ kind: "internal" });
  });

  it("is not quoted when it throws what it should not", async () => {
    const { provider, service, context } = arrange();
    provider.fault = new Error("the credential is hunter2");
    await expect(service.encrypt(encryptRequest, context())).rejects.toMatchObject({
      kind: "internal",
      message: "The provider failed in a way that it does not foresee.",
    });
  });
});

describe("faults of the KMS", () => {
  it("are retried within the deadline, and each attempt is told", async () => {
    const { clock, provider, calls, service, context } = arrange();
    provider.fault = new ProviderFault("throttled", "Too many requests.", { retryAfterMs: 100 });
    const answer = service.encrypt(encryptRequest, context());
    await clock.advance(50);
    provider.fault = undefined;
    await clock.advance(100);
    expect((await answer).keyId).toBe("key-1");
    expect(calls).toEqual(["encrypt throttled", "encrypt ok"]);
  });

  it("do not hold up a caller who gives up", async () => {
    const { provider, calls, service, context } = arrange();
    provider.durationMs = 1_000_000;
    const gone = new AbortController();
    const answer = service.decrypt(decryptRequest, { ...context(), signal: gone.signal });
    const reason = new ProviderFault("cancelled", "The caller went away.");
    gone.abort(reason);
    await expect(answer).rejects.toBe(reason);
    expect(calls).toEqual(["decrypt cancelled"]);
  });

  it("of a Decrypt leave the plugin healthy: it may be about an old key", async () => {
    const { provider, service, context } = arrange();
    await service.status(context());
    provider.fault = new ProviderFault("key-unusable", "That key version is destroyed.");
    await expect(service.decrypt(decryptRequest, context())).rejects.toBe(provider.fault);
    expect(service.health).toBe("ok");
  });
});
