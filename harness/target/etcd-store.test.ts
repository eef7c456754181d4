import { createServer } from "node:http";
import { expect, test } from "vitest";
import { z } from "zod";
import { EtcdStore } from "./etcd-store.ts";
import type { StoredValue } from "./target.ts";

const bodySchema = z.object({
  key: z.string(),
  range_end: z.string().optional(),
  limit: z.number().optional(),
  revision: z.number().optional(),
  value: z.string().optional(),
});

const decode = (text: string) => Buffer.from(text, "base64").toString("latin1");
const encode = (text: string) => Buffer.from(text, "latin1").toString("base64");

/** Answers as etcd's gateway does, over a map, and remembers what it was asked. */
async function startGateway(content: Record<string, string>) {
  const keys = new Map(Object.entries(content));
  const asked: string[] = [];
  let revision = 7;
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    if (request.url === "/version") return response.end('{"etcdserver":"3.7.3","etcdcluster":"3.7.0"}');
    const body = bodySchema.parse(JSON.parse(text));
    const key = decode(body.key);
    if (request.url === "/v3/kv/put") {
      revision++;
      keys.set(key, decode(body.value ?? ""));
      return response.end("{}");
    }
    if (request.url === "/v3/kv/deleterange") {
      keys.delete(key);
      return response.end("{}");
    }
    if (key === "broken")
      return response.writeHead(400).end('{"error":"x","message":"etcdserver: mvcc: required revision has been compacted"}');
    if (key === "html") return response.writeHead(200).end("<html>");
    asked.push(`${key.replace("\0", "+")} at ${body.revision ?? "now"}`);
    const end = body.range_end === undefined ? undefined : decode(body.range_end);
    const within = [...keys]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .filter(([other]) => (end === undefined ? other === key : other >= key && (end === "\0" || other < end)));
    const page = within.slice(0, body.limit ?? within.length);
    const kvs = page.map(([name, value]) => ({
      key: encode(name),
      mod_revision: String(revision),
      ...(value === "" ? {} : { value: encode(value) }),
    }));
    response.end(
      JSON.stringify({
        header: { revision: String(revision) },
        ...(kvs.length === 0 ? {} : { kvs }),
        ...(page.length < within.length ? { more: true } : {}),
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The gateway has no port.");
  return { url: `http://127.0.0.1:${address.port}`, asked, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

async function all(values: AsyncIterable<StoredValue>): Promise<string[]> {
  const lines = [];
  for await (const { key, value, modRevision } of values) lines.push(`${key}=${Buffer.from(value).toString()}@${modRevision}`);
  return lines;
}

test("a list follows its pages at the first one's revision and leaves out what only looks alike", async () => {
  await using gateway = await startGateway({ "/r/a": "1", "/r/b": "2", "/r/c": "3", "/r0": "no", "/q": "no" });
  await using store = new EtcdStore(gateway, { pageKeys: 2 });
  expect(await all(store.list("/r/"))).toEqual(["/r/a=1@7", "/r/b=2@7", "/r/c=3@7"]);
  expect(gateway.asked).toEqual(["/r/ at now", "/r/b+ at 7"]);
});

test("an empty prefix lists every key", async () => {
  await using gateway = await startGateway({ a: "1", "\u00ff": "2" });
  await using store = new EtcdStore(gateway);
  expect((await all(store.list(""))).length).toBe(2);
});

test("nothing under a prefix is an empty list", async () => {
  await using gateway = await startGateway({ a: "1" });
  await using store = new EtcdStore(gateway);
  expect(await all(store.list("b"))).toEqual([]);
});

test("a key is read with its bytes and revision", async () => {
  await using gateway = await startGateway({ a: "\u0000\u00ff" });
  await using store = new EtcdStore(gateway);
  expect(await store.get("a")).toEqual({ key: "a", value: Buffer.from([0, 255]), modRevision: 7 });
});

test("an empty value is empty, a missing key undefined", async () => {
  await using gateway = await startGateway({ a: "" });
  await using store = new EtcdStore(gateway);
  expect((await store.get("a"))?.value.length).toBe(0);
  expect(await store.get("b")).toBeUndefined();
});

test("what is put is there, what is deleted is gone", async () => {
  await using gateway = await startGateway({});
  await using store = new EtcdStore(gateway);
  await store.put("a", Buffer.from([0, 1, 255]));
  expect((await store.get("a"))?.value).toEqual(Buffer.from([0, 1, 255]));
  await store.delete("a");
  expect(await store.get("a")).toBeUndefined();
});

test("the version carries a v", async () => {
  await using gateway = await startGateway({});
  await using store = new EtcdStore(gateway);
  expect(await store.version()).toBe("v3.7.3");
});

test("etcd's own message is passed on", async () => {
  await using gateway = await startGateway({});
  await using store = new EtcdStore(gateway);
  await expect(store.get("broken")).rejects.toMatchObject({
    code: "etcd-refused",
    message: `etcd at ${gateway.url} refuses /v3/kv/range: etcdserver: mvcc: required revision has been compacted.`,
  });
});

test("an answer that is no JSON is refused", async () => {
  await using gateway = await startGateway({});
  await using store = new EtcdStore(gateway);
  await expect(store.get("html")).rejects.toMatchObject({ code: "etcd-refused" });
});

test("nobody there is said with the address", async () => {
  const gateway = await startGateway({});
  await gateway[Symbol.asyncDispose]();
  await using store = new EtcdStore(gateway);
  await expect(store.get("a")).rejects.toMatchObject({ code: "etcd-unreachable", message: expect.stringContaining(gateway.url) });
});

test("a call ends when its signal aborts", async () => {
  await using gateway = await startGateway({});
  await using store = new EtcdStore(gateway);
  const reason = new Error("enough");
  await expect(store.get("a", AbortSignal.abort(reason))).rejects.toBe(reason);
});
