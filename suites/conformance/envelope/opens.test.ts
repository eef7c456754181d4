import { describe, expect, it } from "vitest";
import { KmsCallError } from "../../../harness/kms/contract.ts";
import { EnvelopeFixture } from "../envelope-fixture.ts";
import { Keyring } from "../envelope-keyring.ts";
import { check as boundToKey } from "./bound-to-key.ts";
import { check } from "./opens.ts";

const fixture = new EnvelopeFixture();
const options = { newUid: () => "uid", signal: new AbortController().signal };

describe("values whose keys are not all there", () => {
  it("are judged as far as there are keys, and the others are named", async () => {
    const keyring = new Keyring([{ provider: "aesgcm", key: fixture.localKey }], options);
    const { verdict, evidence } = await check.run(fixture.subject(fixture.values, { keyring }));
    expect(verdict).toBe("pass");
    expect(evidence.map(({ sent }) => sent)).toEqual([
      "4 encrypted values in the fixture",
      "4 values of aescbc key1, 4 values of secretbox key1, 4 values of kms-v1 kms1, 4 values of kms-v2 kms2",
    ]);
  });

  it("are not judged at all without any", async () => {
    const { verdict } = await check.run(fixture.subject(fixture.values, { keyring: new Keyring([], options) }));
    expect(verdict).toBe("not-applicable");
  });

  it("are wrong where the plugin refuses, and not to blame where it is not there", async () => {
    const withPlugin = (code: number) => {
      const decrypt = () => Promise.reject(new KmsCallError(code, "no"));
      const kms = { version: decrypt, encrypt: decrypt, decrypt };
      return fixture.subject([fixture.kmsV1("a")], { keyring: new Keyring([{ provider: "kms-v1", kms, name: undefined }], options) });
    };
    const [invalidArgument, unavailable] = [3, 14];
    expect((await check.run(withPlugin(invalidArgument))).verdict).toBe("fail");
    await expect(check.run(withPlugin(unavailable))).rejects.toThrow("code = Unavailable");
  });

  it("are tried with every key of their name", async () => {
    const other = { name: "key1", secret: new Uint8Array(32) };
    const keyring = new Keyring(
      [
        { provider: "aesgcm", key: other },
        { provider: "aesgcm", key: fixture.localKey },
      ],
      options,
    );
    expect((await check.run(fixture.subject([fixture.local("aesgcm", "a")], { keyring }))).verdict).toBe("pass");
  });
});

describe("values that their scheme binds to no key", () => {
  it("are said to be so", async () => {
    const outcome = await boundToKey.run(
      fixture.subject([fixture.local("aescbc", "a"), fixture.local("secretbox", "b"), fixture.legacyKmsV1("c")]),
    );
    expect(outcome).toMatchObject({
      verdict: "not-applicable",
      reason:
        "No scheme of these values binds them to a key (1 of aescbc, 1 of secretbox, 1 of kms-v1): whoever can write to etcd can exchange them.",
    });
  });
});
