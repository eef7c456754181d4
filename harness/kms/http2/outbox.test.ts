import { PassThrough, Writable } from "node:stream";
import { expect, it } from "vitest";
import { Outbox } from "./outbox.ts";

/** A socket that takes four bytes and then nothing until `drain`. */
function slowSocket() {
  const written: string[] = [];
  const pending: (() => void)[] = [];
  const socket = new Writable({
    highWaterMark: 4,
    write(chunk, _encoding, done) {
      written.push(String(chunk));
      pending.push(done);
    },
  });
  const drain = () =>
    new Promise((resolve) => {
      socket.once("drain", resolve);
      pending.shift()?.();
    });
  return { socket, written, drain };
}

it("sends what lay side by side in one piece", () => {
  const { socket, written } = slowSocket();
  const outbox = new Outbox(socket, []);
  const chunk = Buffer.from("abcdef");
  outbox.add(chunk.subarray(0, 2));
  outbox.add(chunk.subarray(2, 5));
  expect(written).toEqual([]);
  outbox.flush();
  expect(written).toEqual(["abcde"]);
});

it("keeps the order of what did not", () => {
  const socket = new PassThrough({ encoding: "utf8" });
  const outbox = new Outbox(socket, []);
  const chunk = Buffer.from("abcdef");
  for (const piece of [chunk.subarray(3), Buffer.alloc(0), chunk.subarray(0, 3), Buffer.from("!")]) outbox.add(piece);
  outbox.flush();
  expect(socket.read()).toBe("defabc!");
});

it("stops its sources while the socket is full", async () => {
  const { socket, drain } = slowSocket();
  const source = new PassThrough().resume();
  const outbox = new Outbox(socket, [source]);
  outbox.add(Buffer.from("abcde"));
  outbox.flush();
  expect(source.isPaused()).toBe(true);
  await drain();
  expect(source.isPaused()).toBe(false);
});

it("stops its sources while it is blocked, also when the socket drains meanwhile", async () => {
  const { socket, drain } = slowSocket();
  const source = new PassThrough().resume();
  const outbox = new Outbox(socket, [source]);
  outbox.add(Buffer.from("abcde"));
  outbox.flush();
  outbox.block();
  await drain();
  expect(source.isPaused()).toBe(true);
  outbox.unblock();
  expect(source.isPaused()).toBe(false);
});
