import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { encodeSecret } from "../../../harness/envelope/index.ts";
import { ApiAnswer } from "../../../harness/load/api-answer.ts";
import type { EnvelopePlane, WrittenSecret } from "../envelope-plane.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";
import { ownPlaneOf } from "../envelope-test-plane.ts";
import { envelopeChecks } from "../index.ts";

/** A control plane on which something is wrong. */
type Mutation = (plane: EnvelopePlane) => EnvelopePlane;

const anyObject = z.record(z.string(), z.unknown());

interface Mutant {
  readonly ids: RegExp;
  readonly mutation: Mutation;
  /** Stands in what the check received. */
  readonly says: string;
}

const mutants: Readonly<Record<string, Mutant>> = {
  "an API server that shows other data": {
    ids: /^cross-read-/,
    mutation: answering({ type: "other" }),
    says: "another Secret",
  },
  "an API server that leaves the data out": {
    ids: /^cross-read-/,
    mutation: answering({ data: {} }),
    says: "another Secret",
  },
  "values that were sealed with a byte missing": {
    ids: /^cross-read-/,
    mutation: reading((read) => (secret, value) => read(secret, value.subarray(0, -1))),
    says: "HTTP 500",
  },
  "an API server that stored another Secret": {
    ids: /^cross-(write-|migrated)/,
    mutation: writing(({ spec, stored }) => ({ stored, spec: { ...spec, type: "other" } })),
    says: "another Secret",
  },
  "an API server that stored a Secret of another name": {
    ids: /^cross-(write-|migrated)/,
    mutation: writing(({ spec, stored }) => ({ stored, spec: { ...spec, name: "other" } })),
    says: "another Secret",
  },
  "an API server that wrote with another provider": {
    ids: /^cross-write-/,
    mutation: (plane) => withMembers(plane, { written: (kind) => plane.written(kind === "aesgcm" ? "secretbox" : "aesgcm") }),
    says: "a value of ",
  },
  "an API server that left an older provider's value": {
    ids: /^cross-migrated$/,
    mutation: (plane) => withMembers(plane, { migrated: { to: plane.migrated.to, secrets: plane.written("aesgcm") } }),
    says: "a value of aesgcm",
  },
  "an API server that reads everything": {
    ids: /^refused-/,
    mutation: reading((read) => (secret) => read(secret, encodeSecret(secret))),
    says: "HTTP 200",
  },
  "an API server that says something else": {
    ids: /^refused-/,
    mutation: answering({ message: "No." }),
    says: "HTTP 500: No.",
  },
  "an API server that takes it for something that is not there": {
    ids: /^refused-/,
    mutation: reading((read) => async (secret, value) => new ApiAnswer(404, (await read(secret, value)).body)),
    says: "HTTP 404",
  },
};

function reading(change: (read: EnvelopePlane["readBack"]) => EnvelopePlane["readBack"]): Mutation {
  return (plane) => withMembers(plane, { readBack: change((secret, value) => plane.readBack(secret, value)) });
}

function writing(change: (written: WrittenSecret) => WrittenSecret): Mutation {
  return (plane) => {
    const { to, secrets } = plane.migrated;
    return withMembers(plane, { written: (kind) => plane.written(kind).map(change), migrated: { to, secrets: secrets.map(change) } });
  };
}

function withMembers(plane: EnvelopePlane, members: Partial<EnvelopePlane>): EnvelopePlane {
  return {
    keys: plane.keys,
    migrated: plane.migrated,
    written: (kind) => plane.written(kind),
    readBack: (secret, value) => plane.readBack(secret, value),
    newSecret: (data) => plane.newSecret(data),
    ...members,
  };
}

/** The API server's own answers with other members. */
function answering(members: Readonly<Record<string, unknown>>): Mutation {
  return reading((read) => async (secret, value) => {
    const answer = await read(secret, value);
    return new ApiAnswer(answer.status, Buffer.from(JSON.stringify({ ...anyObject.parse(answer.json()), ...members })));
  });
}

const crossChecks = envelopeChecks.filter(({ needs }) => needs.includes("configure"));
const nameOf = (id: string) => id.slice("envelope/".length);

describe("the cross read on the embedded target", () => {
  let subject: EnvelopeSubject & AsyncDisposable;
  beforeAll(async () => {
    subject = await ownPlaneOf("embedded");
  });
  afterAll(async () => {
    await subject[Symbol.asyncDispose]();
  });

  it("has a mutant for each check", () => {
    const without = crossChecks.filter(({ id }) => !Object.values(mutants).some(({ ids }) => ids.test(nameOf(id))));
    expect(without.map(({ id }) => id)).toEqual([]);
    expect(crossChecks.length).toBeGreaterThan(20);
  });

  it("finds nothing wrong, and neither do the other checks", async () => {
    const outcomes = await Promise.all(envelopeChecks.map(async ({ id, run }) => ({ id, ...(await run(subject)) })));
    expect(outcomes.filter(({ verdict }) => verdict !== "pass").map(({ id, verdict }) => [id, verdict])).toEqual([
      ["envelope/kms-v2-nonce-once", "not-applicable"],
      ["envelope/one-writer", "not-applicable"],
    ]);
  });

  describe.each(Object.entries(mutants))("%s", (_what, { ids, mutation, says }) => {
    it.each(crossChecks.filter(({ id }) => ids.test(nameOf(id))).map((check) => [check.id, check] as const))(
      "fails %s",
      async (_id, check) => {
        const { plane } = subject;
        if (plane === undefined) throw new Error("There is no control plane.");
        const outcome = await check.run({ ...subject, plane: mutation(plane) });
        expect(outcome.verdict).toBe("fail");
        expect(outcome.evidence.length).toBe((await check.run(subject)).evidence.length);
        for (const { received } of outcome.evidence) expect(received).toContain(says);
      },
    );
  });
});
