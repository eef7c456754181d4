import fc from "fast-check";
import { expect, it } from "vitest";
import { CallQueue } from "./call-queue.ts";

it("is a queue, however calls come, go and expire", () => {
  const step = fc.oneof(
    fc.record({ push: fc.nat(1000), deadlineMs: fc.nat(20) }),
    fc.constant("drop" as const),
    fc.record({ expireMs: fc.nat(20) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const queue = new CallQueue();
      let model: { index: number; deadlineMs: number }[] = [];
      for (const one of steps) {
        if (one === "drop") {
          if (model.length > 0) queue.dropFirst();
          model = model.slice(1);
        } else if ("push" in one) {
          queue.push(one.push, one.deadlineMs);
          model.push({ index: one.push, deadlineMs: one.deadlineMs });
        } else {
          expect(queue.takeExpired(one.expireMs)).toEqual(
            model.filter(({ deadlineMs }) => deadlineMs <= one.expireMs).map(({ index }) => index),
          );
          model = model.filter(({ deadlineMs }) => deadlineMs > one.expireMs);
        }
        expect([queue.length, queue.first]).toEqual([model.length, model[0]?.index]);
        if (model[0] !== undefined) expect(queue.firstDeadlineMs).toBe(model[0].deadlineMs);
      }
    }),
  );
});

it("grows", () => {
  const queue = new CallQueue();
  for (let index = 0; index < 50; index++) queue.push(index, 0);
  for (let index = 0; index < 40; index++) queue.dropFirst();
  for (let index = 50; index < 5000; index++) queue.push(index, 0);
  expect(queue.takeExpired(0)).toEqual(Array.from({ length: 4960 }, (_, at) => at + 40));
});
