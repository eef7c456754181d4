import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { writePlaneFiles } from "./plane-files.ts";

let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "plane-files-"));
});
afterEach(() => rm(parent, { recursive: true, force: true }));

test("nobody else may read a file of them", async () => {
  await using files = await writePlaneFiles(parent, 1);
  await files.servers[0]?.writeEncryption({ resources: [{ resources: ["secrets"], providers: [{ kind: "identity" }] }] });
  const modes = await Promise.all(
    (await readdir(files.folder)).map(async (name) => {
      const stats = await stat(join(files.folder, name));
      return [name, (stats.mode & 0o777).toString(8)];
    }),
  );
  expect(Object.fromEntries(modes)).toEqual({
    "ca.pem": "600",
    "encryption.yaml": "600",
    etcd: "700",
    "kube-apiserver": "700",
    "server-key.pem": "600",
    "server.pem": "600",
    "service-account-key.pem": "600",
    "tokens.csv": "600",
  });
  expect((await stat(files.folder)).mode & 0o777).toBe(0o700);
});

test("the token belongs to a member of system:masters and is another one each time", async () => {
  await using one = await writePlaneFiles(parent, 1);
  await using other = await writePlaneFiles(parent, 1);
  expect(await readFile(one.tokenFile, "utf8")).toBe(`${one.token},kmsmark,kmsmark,"system:masters"\n`);
  expect(one.token).not.toBe(other.token);
});

test("nothing of them is left", async () => {
  await (await writePlaneFiles(parent, 1))[Symbol.asyncDispose]();
  expect(await readdir(parent)).toEqual([]);
});

test("a folder that cannot be written is named", async () => {
  const missing = join(parent, "missing");
  await expect(writePlaneFiles(missing, 1)).rejects.toMatchObject({
    code: "scratch-unwritable",
    message: expect.stringContaining(`The scratch folder ${missing} cannot be written`),
  });
});
