import { expect, it } from "vitest";
import { VirtualClock } from "../../harness/virtual-clock.ts";
import { SharedCalls } from "./shared-calls.ts";

function arrange() {
  const clock = new VirtualClock();
  const shared = new SharedCalls<number>();
  let calls = 0;
  let givenUp = 0;
  const run = (key: string, signal = new AbortController().signal) =>
    shared.run(key, signal, async (own) => {
      const number = ++calls;
      own.addEventListener("abort", () => void givenUp++);
      await clock.sleep(100, own);
      return number;
    });
  return { clock, run, calls: () => calls, givenUp: () => givenUp };
}

it("makes one call of equal ones, and another for the next", async () => {
  const { clock, run, calls } = arrange();
  const answers = Promise.all([run("a"), run("a"), run("b")]);
  await clock.advance(100);
  expect(await answers).toEqual([1, 1, 2]);
  const next = run("a");
  await clock.advance(100);
  expect(await next).toBe(3);
  expect(calls()).toBe(3);
});

it("lets one leave without the others", async () => {
  const { clock, run, givenUp } = arrange();
  const leaver = new AbortController();
  const [left, stays] = [run("a", leaver.signal).catch(String), run("a")];
  leaver.abort(new Error("gone"));
  expect(await left).toBe("Error: gone");
  expect(givenUp()).toBe(0);
  await clock.advance(100);
  expect(await stays).toBe(1);
});

it("gives the call up when the last has left, and begins anew for who comes then", async () => {
  const { clock, run, givenUp } = arrange();
  const leavers = [new AbortController(), new AbortController()];
  const left = leavers.map(({ signal }) => run("a", signal).catch(String));
  for (const leaver of leavers) leaver.abort(new Error("gone"));
  expect(await Promise.all(left)).toEqual(["Error: gone", "Error: gone"]);
  expect(givenUp()).toBe(1);
  const next = run("a");
  await clock.advance(100);
  expect(await next).toBe(2);
});

it("gives all that wait the same fault", async () => {
  const shared = new SharedCalls<number>();
  const { signal } = new AbortController();
  const fail = () => Promise.reject(new Error("refused"));
  expect(await Promise.all([shared.run("a", signal, fail).catch(String), shared.run("a", signal, fail).catch(String)])).toEqual([
    "Error: refused",
    "Error: refused",
  ]);
});
