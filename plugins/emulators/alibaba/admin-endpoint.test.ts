import { describe, expect, it } from "vitest";
import { arrange, refusalOf } from "./testing/cloud.ts";

const adminToken = "a-token-for-tests";

describe("the admin endpoint", () => {
  const order = async (url: string, body: object | string, authorization = `Bearer ${adminToken}`) => {
    const answer = await fetch(`${url}/kmsmark/admin`, {
      method: "POST",
      headers: { authorization },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    const json: unknown = await answer.json();
    return { status: answer.status, json };
  };

  it("obeys whoever has the token", async () => {
    await using cloud = await arrange({ adminToken });
    const { keyId } = cloud.admin.createKey();
    const versionOf = () => cloud.cloud.keys.find(keyId)?.primaryKeyVersion;
    const before = versionOf();
    expect(await order(cloud.url, { do: "rotateKey", keyId })).toEqual({ status: 200, json: { keyVersionId: versionOf() } });
    expect(versionOf()).not.toBe(before);
    await order(cloud.url, { do: "setKeyState", keyId, state: "Disabled" });
    expect(cloud.cloud.keys.find(keyId)?.keyState).toBe("Disabled");
    await order(cloud.url, { do: "deleteKeyAfter", keyId, ms: 1000 });
    await order(cloud.url, { do: "advance", ms: 1000 });
    expect(cloud.cloud.keys.find(keyId)).toBeUndefined();
    await order(cloud.url, { do: "addFault", fault: "ListKeys:error=503" });
    expect(await refusalOf(cloud.root.call("Kms", "ListKeys"))).toBe("503 ServiceUnavailableTemporary");
    await order(cloud.url, { do: "clearFaults" });
    expect(await refusalOf(cloud.root.call("Kms", "ListKeys"))).toBe("not refused");
    expect(await order(cloud.url, { do: "expireSessions" })).toEqual({ status: 200, json: {} });
  });

  it("refuses everybody else, and what it does not understand", async () => {
    await using cloud = await arrange({ adminToken });
    const { keyId } = cloud.admin.createKey();
    for (const authorization of ["", "Bearer ", `Bearer ${adminToken}x`, adminToken]) {
      expect((await order(cloud.url, { do: "rotateKey", keyId }, authorization)).status).toBe(403);
    }
    expect(cloud.cloud.keys.find(keyId)?.keyState).toBe("Enabled");
    for (const body of ["", "{}", { do: "explode" }, { do: "rotateKey" }, { do: "advance", ms: -1 }, { do: "advance", ms: 1e15 }]) {
      expect((await order(cloud.url, body)).status).toBe(400);
    }
    expect(await order(cloud.url, { do: "rotateKey", keyId: "none" })).toEqual({
      status: 400,
      json: { error: "The specified Key is not found." },
    });
    expect((await order(cloud.url, { do: "addFault", fault: "x" })).status).toBe(400);
  });

  it("is not there without a token", async () => {
    await using cloud = await arrange();
    expect((await order(cloud.url, { do: "clearFaults" })).status).toBe(404);
  });
});
