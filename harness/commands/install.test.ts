import { expect, it } from "vitest";
import yargs from "yargs";
import { CliFolder } from "../cli-process.ts";
import { defaultVersions } from "../target/install/index.ts";
import { command } from "./install.ts";

const parse = (words: string) =>
  command.options(yargs().command(command.usage, "").strict().exitProcess(false)).parseAsync(words.split(" "));

it("gets the default versions by the first way that works, unless something else is asked for", async () => {
  expect(await parse("install")).toMatchObject({
    kubernetes: defaultVersions.kubernetesVersion,
    etcd: defaultVersions.etcdVersion,
    from: "auto",
    json: false,
  });
});

it.each(command.examples)("has an example that can be parsed: $line", async ({ line }) => {
  expect((await parse(line.replace("kmsmark ", "")))._).toEqual(["install"]);
});

it.each([
  [["--kubernetes", "1.28.0"], "Kubernetes v1.28.0 is not supported"],
  [["--etcd", "latest"], '"latest" is not a version of etcd.'],
  [["--from", "source"], "Invalid values"],
  [["--cache", "/x"], "Unknown argument: cache"],
])("%o ends with exit code 2 and a sentence", async (words, sentence) => {
  using folder = new CliFolder();
  const { code, stderr } = await folder.run("install", ...words);
  expect([code, stderr]).toEqual([2, expect.stringContaining(sentence)]);
});

it("ends with exit code 2 and all three reasons where nothing can be had", async () => {
  using folder = new CliFolder();
  folder.environment["KMSMARK_CACHE"] = `${folder.path}/cache`;
  folder.environment["DOCKER_HOST"] = "tcp://127.0.0.1:1";
  folder.environment["PATH"] = folder.path;
  const nowhere = "http://127.0.0.1:1";
  const { code, stdout, stderr } = await folder.run("install", "--kubernetes-url", nowhere, "--etcd-url", nowhere);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(
    /could not be had from images \(no Docker engine answers at DOCKER_HOST\), nor from release \(.* could not be fetched: .*\), nor from go \(there is no `go` on the PATH\)\./,
  );
});
