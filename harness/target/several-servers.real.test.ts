import { it } from "vitest";
import { Lease } from "../lease.ts";
import { containersTarget, removeContainer } from "./containers.ts";
import { processesTarget } from "./processes.ts";
import { describeReal } from "./real-test.ts";
import { expectSeveralServers } from "./several-servers-test.ts";

const targets = { processes: processesTarget(process.env), containers: containersTarget } as const;

for (const kind of ["processes", "containers"] as const) {
  await describeReal(kind, `three kube-apiservers on one etcd, target ${kind}`, () => {
    it("share one store, and stop and start alone or together", async () => {
      await using lease = Lease.take("test", removeContainer);
      await expectSeveralServers(targets[kind], lease);
    });
  });
}
