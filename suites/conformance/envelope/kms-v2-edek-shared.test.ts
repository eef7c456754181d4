import { describe, expect, it } from "vitest";
import { EnvelopeFixture } from "../envelope-fixture.ts";
import { check } from "./kms-v2-edek-shared.ts";

const fixture = new EnvelopeFixture();
const [first, second, third] = ["key-1", "key-1", "key-2"].map((keyId) => fixture.newSource(keyId));

/** The verdict on values of KMS v2 that were written in this order by somebody else's API servers. */
async function verdictOf(sources: readonly (typeof first)[], { isDated = true } = {}) {
  const values = sources.map((source, at) => ({
    ...fixture.kmsV2(`value-${at}`, source),
    modRevision: isDated ? sources.length - at : undefined,
  }));
  return await check.run(fixture.subject(values, { isOneLife: false }));
}

describe("encrypted DEK sources in an etcd of others", () => {
  it("are right when each is followed by the next, as after restarts", async () => {
    expect((await verdictOf([first, first, first, second, second])).verdict).toBe("pass");
  });

  it("are right when there is one for each key_id", async () => {
    expect((await verdictOf([first, third, first, third], { isDated: false })).verdict).toBe("pass");
  });

  it.each([
    ["come back, as with several API servers", [first, second, first, second, first, second], true],
    ["are as many as the values", [first, second], true],
    ["follow in an order that nobody knows", [first, first, second, second], false],
  ])("cannot be judged when they %s", async (_what, sources, isDated) => {
    expect((await verdictOf(sources, { isDated })).verdict).toBe("inconclusive");
  });

  it("are not spoken of where KMS v2 wrote nothing", async () => {
    expect((await check.run(fixture.subject([fixture.local("aesgcm", "a")]))).verdict).toBe("not-applicable");
  });
});
