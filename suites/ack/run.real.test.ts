import { expect, it } from "vitest";
import { systemClock } from "../../harness/clock.ts";
import { describeReal } from "../../harness/target/real-test.ts";
import { procedureRun } from "./procedure-run.ts";
import { procedure } from "./run.ts";

await describeReal("processes", "the ACK procedure", () => {
  it("ends with every step verified on a real kube-apiserver", async () => {
    const { result } = await procedureRun("processes", systemClock);
    const notVerified = result.steps.filter(({ verdict }) => verdict !== "verified");
    expect(notVerified.map(({ id, reason, evidence }) => ({ id, reason, evidence }))).toEqual([]);
    expect(result.steps).toHaveLength(procedure.length);
  });
});
