import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { z } from "zod";
import { CliFolder } from "../cli-process.ts";
import { systemClock } from "../clock.ts";
import { SecretsClient } from "../load/api-client.ts";
import { encodeSecret } from "../load/secret-spec.ts";
import { readKubeconfig } from "../target/kubeconfig-access.ts";
import { describeReal } from "../target/real-test.ts";

const listSchema = z.object({ items: z.array(z.object({ metadata: z.object({ name: z.string() }) })) });

let folder: CliFolder;
beforeEach(() => {
  folder = new CliFolder();
});
afterEach(async () => {
  await folder.run("down");
  folder[Symbol.dispose]();
});

async function writeAndRead(kubeconfig: string): Promise<number[]> {
  await using client = new SecretsClient({ api: await readKubeconfig(kubeconfig, undefined), connections: 1 });
  const spec = { namespace: "default", name: "demo", type: "Opaque", data: new Map([["key", Buffer.from("value of a demo")]]) };
  const created = await client.createSecret(encodeSecret(spec));
  const read = await client.getSecret("default", "demo");
  return [created.status, read.status];
}

/** What is left of all Secrets. */
async function secretNames(kubeconfig: string): Promise<string[]> {
  await using client = new SecretsClient({ api: await readKubeconfig(kubeconfig, undefined), connections: 1 });
  const list = listSchema.parse((await client.listSecrets()).json());
  return list.items.map(({ metadata }) => metadata.name);
}

for (const target of ["processes", "containers"] as const) {
  await describeReal(target, `up and down with ${target}`, () => {
    it("leaves a control plane that a kubeconfig reaches, and nothing after down", async () => {
      const kubeconfig = join(folder.path, "kubeconfig");
      const up = await folder.run("up", "--target", target, "--kubeconfig", kubeconfig);
      expect(up, up.stderr).toMatchObject({ code: 0 });
      expect(up.stdout).toContain(`export KUBECONFIG=${kubeconfig}`);
      expect(statSync(kubeconfig).mode & 0o777).toBe(0o600);
      expect(await writeAndRead(kubeconfig)).toEqual([201, 200]);

      const judge = /kmsmark (conform envelope --etcd .*)/.exec(up.stdout)?.[1]?.split(" ") ?? [];
      const judged = await folder.run(...judge, "--out", join(folder.path, "judged"));
      expect(judged, judged.stdout).toMatchObject({ code: 0 });

      const attached = ["bench", "--target", "attached", "--kubeconfig", kubeconfig, "--secrets", "12", "--closed-loop"];
      const measured = await folder.run(...attached, "--providers", "kms-v2");
      expect(measured, measured.stderr).toMatchObject({ code: 0 });
      expect(measured.stdout).toContain("no tap stood before the KMS plugin");
      const mistaken = await folder.run(...attached, "--providers", "aesgcm");
      expect(mistaken.code).toBe(2);
      expect(mistaken.stderr).toContain("kmsmark: The API server did not write with aesgcm");
      expect(await secretNames(kubeconfig)).toEqual(["demo"]);

      const again = await folder.run("up", "--target", target);
      expect(again).toMatchObject({ code: 0, stdout: up.stdout });

      const down = await folder.run("down");
      expect(down).toMatchObject({ code: 0, stdout: '"default" is down, and nothing of it is left.\n' });
      expect([existsSync(kubeconfig), folder.leases(), folder.processes()]).toEqual([false, [], []]);
    });

    it("leaves nothing after down either when up was killed midway", async () => {
      const { child, ended } = folder.start("up", "--target", target);
      // It is killed when it has started something that only its lease remembers.
      for (let held = folder.held(); held.processes.length + held.containers.length < 2; held = folder.held()) await systemClock.sleep(1);
      child.kill("SIGKILL");
      await ended;
      const down = await folder.run("down");
      expect(down).toMatchObject({ code: 0, stdout: '"default" is not up.\nRemoved what a killed run left behind.\n' });
      expect([folder.leases(), folder.processes()]).toEqual([[], []]);
    });
  });
}
