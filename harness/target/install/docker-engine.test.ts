import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, it, vi } from "vitest";
import { dockerEngine, removeContainer } from "./docker-engine.ts";

beforeAll(() => {
  vi.stubEnv("DOCKER_HOST", `unix://${join(tmpdir(), "nobody-listens.sock")}`);
});

it("takes no other engine than the one that DOCKER_HOST names", async () => {
  expect(await dockerEngine()).toEqual({ answers: false, reason: "no Docker engine answers at DOCKER_HOST" });
});

it("does not say that a container is removed where nobody can remove it", async () => {
  await expect(removeContainer("kmsmark-of-a-killed-run")).rejects.toMatchObject({ code: "no-engine" });
});
