import { describe, expect, it } from "vitest";
import type { ClusterKms, DrivenCluster } from "../../plugins/emulators/alibaba/ack-driver.ts";
import type { CloudClient } from "./cloud-calls.ts";
import { ClusterPlanes } from "./cluster-planes.ts";
import { FastClock } from "./fast-clock.ts";
import { procedureRun } from "./procedure-run.ts";
import type { ReplacedParts } from "./run.ts";

const first = ["prerequisites/role", "prerequisites/policy", "prerequisites/key", "new/create"];
const turnedOn = [...first, "existing/create", "existing/turn-on"];

/** The first step that does not hold. */
async function brokenBy(parts: ReplacedParts) {
  const { result } = await procedureRun("embedded", new FastClock(10), { parts });
  const [broken] = result.steps.filter(({ verdict }) => verdict !== "verified");
  return broken && { id: broken.id, verdict: broken.verdict, reason: broken.reason };
}

/** Brings clusters up without their key. */
class Forgetful extends ClusterPlanes {
  override create(cluster: DrivenCluster): Promise<void> {
    return super.create(cluster, undefined);
  }
}

/** Says that it turned encryption on. */
class Idle extends ClusterPlanes {
  override enable(cluster: DrivenCluster): Promise<void> {
    return super.disable(cluster);
  }
}

/** Encrypts with the first key that it was ever given. */
class Stubborn extends ClusterPlanes {
  #first: ClusterKms | undefined;

  override enable(cluster: DrivenCluster, kms: ClusterKms): Promise<void> {
    this.#first ??= kms;
    return super.enable(cluster, this.#first);
  }
}

/** Never turns encryption off. */
class Clinging extends ClusterPlanes {
  override async disable(): Promise<void> {}
}

/** Overlooks one of the calls that went past it. */
class Miscounting extends ClusterPlanes {
  override pluginCounts() {
    const { taps, direct } = super.pluginCounts();
    return { taps: { ...taps, Encrypt: taps.Encrypt - 1 }, direct };
  }
}

/** Claims a call that the trail does not have. */
class Boasting extends ClusterPlanes {
  override counts() {
    return super.counts().map((each) => (each.action === "Decrypt" ? { ...each, calls: each.calls + 1 } : each));
  }
}

describe.concurrent("a step fails", { timeout: 120_000 }, () => {
  it("where a new cluster does not encrypt", async () => {
    expect(await brokenBy({ planes: (world) => new Forgetful(world), steps: [...first, "new/secrets"] })).toMatchObject({
      id: "new/secrets",
      verdict: "failed",
    });
  });

  it("where turning encryption on changes nothing", async () => {
    expect(await brokenBy({ planes: (world) => new Idle(world), steps: [...turnedOn, "existing/new-secret"] })).toMatchObject({
      id: "existing/new-secret",
      verdict: "failed",
    });
  });

  it("where a rotation does not reach new Secrets", async () => {
    const cloud: ReplacedParts["cloud"] = (real) => ({ ...real, rotateKey: async () => {} });
    expect(await brokenBy({ cloud, steps: [...turnedOn, "rotation/rotate"] })).toEqual({
      id: "rotation/rotate",
      verdict: "failed",
      reason: "New Secrets do not follow the rotation within 60 s, or old ones cannot be read.",
    });
  });

  it("where another key does not take over", async () => {
    expect(await brokenBy({ planes: (world) => new Stubborn(world), steps: [...turnedOn, "rotation/new-key"] })).toMatchObject({
      id: "rotation/new-key",
      verdict: "failed",
    });
  });

  it("where turning encryption off changes nothing", async () => {
    expect(await brokenBy({ planes: (world) => new Clinging(world), steps: [...turnedOn, "rotation/turn-off"] })).toMatchObject({
      id: "rotation/turn-off",
      verdict: "failed",
    });
  });

  it("where the taps saw another number of calls than the KMS", async () => {
    expect(await brokenBy({ planes: (world) => new Miscounting(world), steps: [...first, "new/secrets", "verification/counts"] })).toEqual({
      id: "verification/counts",
      verdict: "failed",
      reason: "The trail and the taps do not agree.",
    });
  });

  it("where the trail does not show the role's calls within the deadline", async () => {
    const blind: CloudClient["rpc"] = async (_action, _parameters, schema) => schema.parse({ Events: [] });
    const cloud: ReplacedParts["cloud"] = (real) => ({
      ...real,
      clientOf(product, key) {
        const client = real.clientOf(product, key);
        return product === "trail" ? { rpc: blind, roa: (...call) => client.roa(...call) } : client;
      },
    });
    expect(await brokenBy({ cloud, steps: [...first, "new/secrets", "verification/events"] })).toEqual({
      id: "verification/events",
      verdict: "failed",
      reason: "The events did not come within the deadline.",
    });
  });

  it("where the trail lacks a call", async () => {
    expect(await brokenBy({ planes: (world) => new Boasting(world), steps: [...first, "new/secrets", "verification/counts"] })).toEqual({
      id: "verification/counts",
      verdict: "failed",
      reason: "The trail and the plugins do not agree.",
    });
  });
});

it("where there is no control plane the run says why", { timeout: 30_000 }, async () => {
  class Broken extends ClusterPlanes {
    override create(): Promise<void> {
      this.fault = "no room";
      return Promise.reject(new Error("no room"));
    }
  }
  expect(await brokenBy({ planes: (world) => new Broken(world) })).toEqual({
    id: "new/create",
    verdict: "failed",
    reason: "The cluster has failed: no room",
  });
});
