import { createServer } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { systemClock as clock } from "../../harness/clock.ts";
import { openEtcdValues } from "./envelope-etcd.ts";
import { EnvelopeFixture } from "./envelope-fixture.ts";

const fixture = new EnvelopeFixture();
const rangeSchema = z.object({ key: z.base64(), range_end: z.base64(), limit: z.number() });

let held = new AsyncDisposableStack();
afterEach(async () => {
  await held.disposeAsync();
  held = new AsyncDisposableStack();
});

/** Answers ranges as etcd's JSON gateway does, with the fixture's values. */
async function startGateway(): Promise<string> {
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const { key, range_end, limit } = rangeSchema.parse(JSON.parse(text));
    const [from, to] = [key, range_end].map((bytes) => Buffer.from(bytes, "base64").toString());
    const within = fixture.values
      .filter((value) => value.key >= (from ?? "") && value.key < (to ?? ""))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
    const kvs = within.slice(0, limit).map((value) => ({
      key: Buffer.from(value.key).toString("base64"),
      value: Buffer.from(value.value).toString("base64"),
      mod_revision: String(value.modRevision),
    }));
    response.end(JSON.stringify({ header: { revision: "900" }, kvs, more: within.length > limit }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  held.defer(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The gateway has no port.");
  return `http://127.0.0.1:${address.port}`;
}

async function open(url: string, prefix?: string) {
  const { signal } = new AbortController();
  return held.use(await openEtcdValues({ url, prefix, encryptionConfig: undefined, socket: undefined, clock, signal }));
}

describe("the values of an etcd", () => {
  it.each([undefined, "/registry", "registry/"])("are those below the prefix %s, with their revisions", async (prefix) => {
    const subject = await open(await startGateway(), prefix);
    const seen: (readonly [string, number | undefined])[] = [];
    await subject.each(({ key, modRevision }) => void seen.push([key, modRevision]));
    const right = fixture.values.map(({ key, modRevision }) => [key, modRevision] as const);
    expect(seen).toEqual(right.sort(([a], [b]) => (a < b ? -1 : 1)));
  });

  it("have to be some", async () => {
    const url = await startGateway();
    await expect(open(url, "/elsewhere")).rejects.toMatchObject({
      name: "UsageError",
      code: "no-values",
      message: `etcd at ${url} holds nothing below /elsewhere/secrets/, so that there is nothing to check.`,
    });
  });

  it("have to be reached", async () => {
    await expect(open("http://127.0.0.1:1")).rejects.toMatchObject({ name: "TargetError", code: "etcd-unreachable" });
  });
});
