import { expect, it } from "vitest";
import { systemClock as clock } from "../clock.ts";
import { Lease } from "../lease.ts";
import { attachedTarget } from "./attached.ts";
import { removeContainer } from "./containers.ts";
import { embeddedTarget } from "./embedded.ts";
import { defaultVersions } from "./install/index.ts";
import { expectSeveralServers } from "./several-servers-test.ts";

it("three API servers of the model share one store, and stop and start alone or together", async () => {
  await using lease = Lease.take("test", removeContainer);
  await expectSeveralServers(embeddedTarget, lease);
});

it("an attached control plane gets none beside its own", async () => {
  await using lease = Lease.take("test", removeContainer);
  const spec = { ...defaultVersions, encryption: undefined, featureGates: {}, lease, clock, signal: new AbortController().signal };
  await expect(attachedTarget({ kubeconfig: "/nowhere" }).start({ ...spec, apiServers: 3 })).rejects.toMatchObject({
    code: "not-ours",
    message: "kmsmark adds no API server to a control plane that it did not start.",
  });
});
