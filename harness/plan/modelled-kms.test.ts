import { expect, it } from "vitest";
import { Random } from "../random.ts";
import { EventQueue } from "./event-queue.ts";
import { parseFleet } from "./fleet.ts";
import { Ledger } from "./ledger.ts";
import { ModelledKms } from "./modelled-kms.ts";

/** Makes so many Decrypts at once and gives when each was answered, or that it was not. */
function answers(fields: object, calls: number): (number | "failed")[] {
  const queue = new EventQueue();
  const fleet = parseFleet({ secrets: 1, kmsLatency: "20ms", ...fields }, (field) => field);
  const kms = new ModelledKms(queue, { fleet, random: new Random("kms"), ledger: new Ledger() });
  const ended: (number | "failed")[] = [];
  for (let at = 0; at < calls; at++) {
    kms.call({ method: "Decrypt", cause: "start", deadlineMs: fleet.timeout, decrypts: "one" }, (isAnswered) => {
      ended.push(isAnswered ? queue.nowMs : "failed");
    });
  }
  queue.run(60_000);
  return ended;
}

it("answers after its latency, and over the quota in turns", () => {
  expect(answers({}, 3)).toEqual([20, 20, 20]);
  // The bucket holds two, and gains one each half second.
  expect(answers({ quota: 2 }, 4)).toEqual([20, 20, 520, 1020]);
});

it("fails what waits beyond its deadline, and at once what a plugin does not let wait", () => {
  expect(answers({ quota: 2, timeout: "600ms" }, 5)).toEqual([20, 20, 520, "failed", "failed"]);
  expect(answers({ quota: 2, onQuota: "refuse" }, 3)).toEqual(["failed", 20, 20]);
  expect(answers({ kmsLatency: "4s" }, 1)).toEqual(["failed"]);
});

it("asks once for equal Decrypts that are under way where the plugin coalesces them", () => {
  expect(answers({ quota: 1, coalesce: true }, 4)).toEqual([20, 20, 20, 20]);
});
