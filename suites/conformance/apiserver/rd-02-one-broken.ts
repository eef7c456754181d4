import { wordsOf } from "../answers.ts";
import { newAesGcm, secretsBy } from "../apiserver-reload.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { flipped, regionsOf } from "../regions.ts";

/** Lists are read from etcd and good at once, if slow; the cache was seen to need up to 12 s more. */
const healMs = { withinMs: 60_000, everyMs: 500 };
const breakMs = { withinMs: 10_000, everyMs: 100 };

export const check = {
  id: "apiserver/rd-02-one-broken",
  title: "One Secret that cannot be read breaks every list that it is in, and no other read or write, until it is gone.",
  level: "MUST",
  invariants: ["RD-02"],
  source: "spec encryption-at-rest 6.2; k8s.io/apiserver pkg/storage/cacher",
  needs: ["configure", "store"],
  remedy: "Alert on failed lists of Secrets, find the object that cannot be read, and remove it from etcd.",
  async run(subject) {
    await using stage = await subject.stage();
    const server = await stage.startServer({ encryption: secretsBy(newAesGcm()) });
    const findings = new Findings();
    for (const name of ["broken", "whole"]) await server.succeed(server.create(name, "a value"));
    const { bytes } = await server.raw("broken");
    const tag = regionsOf(bytes).find(({ region }) => region === "tag");
    await server.store.put(server.keyOf("broken"), flipped(bytes, tag?.at ?? 0), server.signal);

    let list = await server.list();
    const isBroken = async () => {
      if (list.failure === undefined) list = await server.list();
      return list.failure !== undefined;
    };
    findings.add(await stage.until(isBroken, breakMs), {
      sent: "LIST after one byte of one stored Secret was changed",
      received: wordsOf(list),
      expected: "HTTP 500 or 429",
    });
    for (const [sent, answer] of [
      ["GET of another Secret meanwhile", await server.get("whole")],
      ["POST of a new Secret meanwhile", await server.create("new", "a value")],
      // Read from etcd, after 3 s in which the cache does not catch up.
      ["LIST of another namespace meanwhile", await server.request({ method: "GET", path: "/api/v1/namespaces/default/secrets" })],
    ] as const) {
      findings.add(answer.failure === undefined, { sent, received: wordsOf(answer), expected: "success" });
    }
    await server.store.delete(server.keyOf("broken"), server.signal);
    const startMs = stage.clock.monotonicMs();
    const isHealed = await stage.until(async () => {
      list = await server.list();
      return list.failure === undefined;
    }, healMs);
    const healedMs = stage.clock.monotonicMs() - startMs;
    findings.add(isHealed, {
      sent: "LIST after the broken Secret was removed from etcd",
      received: `${wordsOf(list)} after ${(healedMs / 1000).toFixed(1)} s`,
      expected: `HTTP 200 within ${healMs.withinMs / 1000} s, without a restart`,
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
