import { KmsCallError } from "../../../harness/kms/contract.ts";
import { reloaded, reloadsIn, secretsBy, startReloading } from "../apiserver-reload.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";

const unavailable = 14;

export const check = {
  id: "apiserver/rl-03-unhealthy-plugin",
  title: "A file that names a plugin that is not healthy leaves the old configuration in force.",
  level: "MUST",
  invariants: ["RL-03"],
  source: "spec encryption-at-rest 4.4; k8s.io/apiserver pkg/server/options/encryptionconfig/controller/controller.go",
  needs: ["configure", "store", "clock"],
  remedy: "Start the new plugin and see it healthy before the file names it.",
  async run(subject) {
    await using stage = await subject.stage();
    const { server, provider } = await startReloading(stage);
    const sick = await stage.startKms();
    sick.script = {
      status: () => {
        throw new KmsCallError(unavailable, "the plugin is sick");
      },
    };
    const findings = new Findings();
    const before = await server.metrics();
    await server.plane.changeEncryption(secretsBy({ kind: "kms", apiVersion: "v2", name: "two", socket: sick.socket }, provider));
    const isSeen = await reloaded(stage, server, "failure", before);
    const after = await server.metrics();
    findings.add(isSeen && reloadsIn(after, "success") === reloadsIn(before, "success"), {
      sent: "a file that puts a plugin first whose Status fails",
      received: `${reloadsIn(after, "failure") - reloadsIn(before, "failure")} failed and ${reloadsIn(after, "success") - reloadsIn(before, "success")} successful reloads`,
      expected: "failures, and no success",
    });
    findings.add(sick.since(0, "Status").length > 0, {
      sent: "the same file",
      received: `${sick.since(0, "Status").length} Status calls at the new plugin`,
      expected: "that it was asked",
    });
    await server.succeed(server.create("after", "a value from after the change"));
    const { value } = await server.stored("after");
    const name = value.kind === "kms-v2" ? value.providerName : value.kind;
    findings.add(name === "one", {
      sent: "a new Secret",
      received: `stored by ${name}`,
      expected: "stored by the provider `one`, as before",
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
