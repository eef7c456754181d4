import { expect, test } from "vitest";
import { VirtualClock } from "../virtual-clock.ts";
import { PortTaken, type Probe, untilReady } from "./component-readiness.ts";
import type { Running } from "./launcher.ts";

/** A component that ends when told to. */
function component(log = "") {
  const ended = Promise.withResolvers<string>();
  const asked: number[] = [];
  const running: Running = {
    ended: ended.promise,
    stop: async () => {},
    letGo: () => {},
    async logTail(lines) {
      asked.push(lines);
      return log;
    },
  };
  return { running, end: ended.resolve, asked };
}

const never: Probe = async () => "[-]etcd failed";

function begin(running: Running, probe: Probe) {
  const clock = new VirtualClock();
  const interruption = new AbortController();
  const outcome = untilReady("kube-apiserver", running, probe, { clock, signal: interruption.signal });
  // The tests look at it later.
  outcome.catch(() => {});
  return { clock, interruption, outcome };
}

test("it is asked every 25 ms until it is satisfied", async () => {
  let questions = 0;
  const { clock, outcome } = begin(component().running, async () => (++questions < 3 ? "not yet" : undefined));
  await clock.advance(49);
  expect(questions).toBe(2);
  await clock.advance(1);
  await outcome;
  expect(questions).toBe(3);
});

test("nobody answering yet is no fault", async () => {
  let questions = 0;
  const { clock, outcome } = begin(component().running, async () => {
    if (++questions === 1) throw new Error("connect ECONNREFUSED");
    return undefined;
  });
  await clock.advance(25);
  await outcome;
});

test("its death is told at once, with the last lines of its log", async () => {
  const { running, end } = component("first\nlast");
  const { outcome } = begin(running, never);
  end("exit code 1");
  await expect(outcome).rejects.toMatchObject({
    code: "component-ended",
    message: "kube-apiserver ended (exit code 1) before it was ready.\nThe last lines of its log:\n  first\n  last",
  });
});

test("its death is told also while a question hangs", async () => {
  const { running, end } = component();
  const { outcome } = begin(running, () => new Promise(() => {}));
  end("signal SIGKILL");
  await expect(outcome).rejects.toThrow("kube-apiserver ended (signal SIGKILL) before it was ready.\nIt printed nothing.");
});

test("a taken port is told apart from other deaths", async () => {
  const { running, end } = component("listen tcp 127.0.0.1:6443: bind: address already in use");
  const { outcome } = begin(running, never);
  end("exit code 1");
  await expect(outcome).rejects.toBeInstanceOf(PortTaken);
});

test("it is given up after a minute, with what it answers and its log", async () => {
  const { clock, outcome } = begin(component("waiting for etcd").running, never);
  await clock.advance(60_025);
  await expect(outcome).rejects.toMatchObject({
    code: "component-not-ready",
    message: "kube-apiserver runs but is not ready after 60 s; it answers: [-]etcd failed\nThe last lines of its log:\n  waiting for etcd",
  });
});

test("a minute is not yet too long", async () => {
  let isReady = false;
  const { clock, outcome } = begin(component().running, async () => (isReady ? undefined : "not yet"));
  await clock.advance(59_999);
  isReady = true;
  await clock.advance(1);
  await outcome;
});

test("an interruption ends the wait", async () => {
  const { interruption, outcome } = begin(component().running, never);
  const reason = new Error("enough");
  interruption.abort(reason);
  await expect(outcome).rejects.toBe(reason);
});
