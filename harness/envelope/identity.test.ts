import { describe, expect, it } from "vitest";
import { utf8 } from "./bytes.ts";
import { openIdentity, sealIdentity } from "./identity.ts";

describe("identity", () => {
  it("stores and reads the plaintext itself", () => {
    const stored = sealIdentity({ plaintext: utf8("{}") });
    expect(stored).toEqual(utf8("{}"));
    expect(openIdentity(stored)).toEqual({ plaintext: utf8("{}") });
  });

  it("refuses an encrypted value", () => {
    expect(() => openIdentity(utf8("k8s:enc:aesgcm:v1:key1:body"))).toThrow(
      expect.objectContaining({ code: "identity-of-encrypted", message: "identity transformer tried to read encrypted data" }),
    );
  });

  it("takes protobuf and what begins almost like an encrypted value", () => {
    expect(openIdentity(utf8("k8s\0")).plaintext).toEqual(utf8("k8s\0"));
    expect(openIdentity(utf8("k8s:enc")).plaintext).toEqual(utf8("k8s:enc"));
  });
});
