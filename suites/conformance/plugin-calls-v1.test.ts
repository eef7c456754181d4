import { expect, it } from "vitest";
import { KmsCallError, type KmsV2 } from "../../harness/kms/contract.ts";
import { VirtualClock } from "../../harness/virtual-clock.ts";
import { rotateV1 } from "./plugin-calls-v1.ts";

const unimplemented = new KmsCallError(12, "unknown service v2.KeyManagementService");

/** What rotateV1 makes of a plugin whose KMS v2 answers so, and how long it takes. */
async function rotating(status: KmsV2["status"]) {
  const clock = new VirtualClock();
  let rotations = 0;
  const rotate = async () => void rotations++;
  const { signal } = new AbortController();
  const outcome = rotateV1({ v2: { status }, rotate, clock, signal });
  const ended = outcome.then(() => true);
  const notYet = () => new Promise<false>((resolve) => setImmediate(resolve, false));
  while (!(await Promise.race([ended, notYet()]))) await clock.advance(100);
  return { verdict: (await outcome)?.verdict, rotations, ms: clock.monotonicMs() };
}

it("takes a rotation for done when KMS v2 names another key", async () => {
  let polls = 0;
  const status = async () => ({ version: "v2", healthz: "ok", keyId: polls++ < 5 ? "old" : "new" });
  expect(await rotating(status)).toMatchObject({ verdict: undefined, rotations: 1 });
  expect(polls).toBe(6);
});

it("cannot judge a rotation behind which KMS v2 still names the same key", async () => {
  expect(await rotating(async () => ({ version: "v2", healthz: "ok", keyId: "old" }))).toMatchObject({
    verdict: "inconclusive",
    rotations: 1,
  });
});

it("gives a plugin of KMS v1 alone two seconds to notice", async () => {
  expect(await rotating(() => Promise.reject(unimplemented))).toEqual({ verdict: undefined, rotations: 1, ms: 2000 });
});
