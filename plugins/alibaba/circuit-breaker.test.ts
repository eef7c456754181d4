import { expect, it } from "vitest";
import { VirtualClock } from "../../harness/virtual-clock.ts";
import { CircuitBreaker } from "./circuit-breaker.ts";

const away = new Error("away");
const refused = new Error("refused");
const cancelled = new Error("cancelled");

function arrange() {
  const clock = new VirtualClock();
  const breaker = new CircuitBreaker({
    clock,
    failuresMax: 3,
    openMs: 5000,
    isAway: (thrown) => thrown === away,
    saysNothing: (thrown) => thrown === cancelled,
    refusal: (state, waitMs) => new Error(`${state} ${waitMs}`),
  });
  const run = (outcome: Error | "answer", afterMs = 0) =>
    breaker
      .run(async () => {
        if (afterMs > 0) await clock.sleep(afterMs);
        if (outcome !== "answer") throw outcome;
        return "answer";
      })
      .catch((thrown: unknown) => (thrown instanceof Error ? thrown.message : "no error"));
  return { clock, breaker, run };
}

it("opens after so many failures in a row, and tells how long", async () => {
  const { clock, breaker, run } = arrange();
  for (const outcome of [away, away, refused, away, away, cancelled]) await run(outcome);
  expect(breaker.state).toBe("closed");
  await run(away);
  expect(breaker.state).toBe("open");
  await clock.advance(2000);
  expect(await run("answer")).toBe("open 3000");
});

it("lets one call try, which closes it", async () => {
  const { clock, breaker, run } = arrange();
  for (let call = 0; call < 3; call++) await run(away);
  await clock.advance(5000);
  expect(breaker.state).toBe("half-open");
  const tried = run("answer", 100);
  expect(await run("answer")).toBe("half-open 0");
  await clock.advance(100);
  expect(await tried).toBe("answer");
  expect(breaker.state).toBe("closed");
  // The count begins anew.
  await run(away);
  expect(breaker.state).toBe("closed");
});

it("opens again when the one that tries fails", async () => {
  const { clock, breaker, run } = arrange();
  for (let call = 0; call < 3; call++) await run(away);
  await clock.advance(5000);
  await run(away);
  expect(await run("answer")).toBe("open 5000");
  expect(breaker.state).toBe("open");
});

it("closes when the one that tries is refused: the service is there", async () => {
  const { clock, breaker, run } = arrange();
  for (let call = 0; call < 3; call++) await run(away);
  await clock.advance(5000);
  expect(await run(refused)).toBe("refused");
  expect(breaker.state).toBe("closed");
});

it("lets the next one try when the first went away", async () => {
  const { clock, breaker, run } = arrange();
  for (let call = 0; call < 3; call++) await run(away);
  await clock.advance(5000);
  await run(cancelled);
  expect(breaker.state).toBe("half-open");
  expect(await run("answer")).toBe("answer");
});

it("is not held open longer by calls that were under way when it opened", async () => {
  const { clock, breaker, run } = arrange();
  const late = run(away, 4000);
  for (let call = 0; call < 3; call++) await run(away);
  await clock.advance(4000);
  await late;
  await clock.advance(1000);
  expect(breaker.state).toBe("half-open");
});
