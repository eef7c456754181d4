import { describe, expect, it } from "vitest";
import { verdicts } from "../../harness/run/verdict.ts";
import { FastClock } from "./fast-clock.ts";
import { procedureRun } from "./procedure-run.ts";
import { procedure, type ReplacedParts } from "./run.ts";

/** An API server looks at its plugin every 20 to 60 seconds (spec encryption-at-rest 2.5); faster than this a busy machine is too late. */
const factor = 5;

describe("the procedure on the embedded target", () => {
  it("ends with every step verified, and with every KMS call of the plugins in the trail", { timeout: 120_000 }, async () => {
    const secrets = new Set<string>();
    const cloud: ReplacedParts["cloud"] = (real) => ({
      ...real,
      clientOf(product, key) {
        secrets.add(key.accessKeySecret);
        return real.clientOf(product, key);
      },
    });
    const { result, progress } = await procedureRun("embedded", new FastClock(factor), { parts: { cloud } });
    const notVerified = result.steps.filter(({ verdict }) => verdict !== "verified");
    expect(notVerified.map(({ id, reason, evidence }) => ({ id, reason, evidence }))).toEqual([]);
    expect(result.steps.map(({ id }) => id)).toEqual(procedure.map(({ id }) => id));
    expect(verdicts(result).exitCode).toBe(0);
    const names = new Set(result.kmsEvents.filter(({ user }) => user.startsWith("aliyuncsmanagedsecurityrole:")).map(({ name }) => name));
    expect([...names].toSorted()).toEqual(["Decrypt", "DescribeKey", "Encrypt"]);
    const written = JSON.stringify(result) + progress;
    expect(secrets.size).toBe(3);
    expect([...secrets].filter((secret) => written.includes(secret))).toEqual([]);
    expect(progress).toContain(`[${procedure.length}/${procedure.length}] verified`);
  });
});

describe("a prerequisite that is missing", () => {
  it.each([
    ["the role", { lack: "role" }, "prerequisites/role", /ram\.console/],
    ["the authorisation of the role", { isAuthorizing: false }, "prerequisites/role", /ram\.console/],
    ["the policy", { lack: "policy" }, "prerequisites/policy", /AliyunKMSCryptoAdminAccess/],
    ["the key", { badKey: "missing" }, "prerequisites/key", /key that exists/],
    ["an enabled key", { badKey: "disabled" }, "prerequisites/key", /Enable the key/],
    ["a key of the right specification", { badKey: "wrong-spec" }, "prerequisites/key", /Aliyun_AES_256/],
  ] as const)("%s is refused with what to do, and nothing follows", { timeout: 30_000 }, async (_, options, id, remedy) => {
    const { result } = await procedureRun("embedded", new FastClock(factor), options);
    const [refused, ...others] = result.steps.filter(({ verdict }) => verdict !== "verified");
    expect(refused).toMatchObject({ id, verdict: "refused", remedy: expect.stringMatching(remedy) });
    expect(new Set(others.map(({ verdict }) => verdict))).toEqual(new Set(["skipped"]));
    expect(verdicts(result).exitCode).toBe(1);
  });
});
