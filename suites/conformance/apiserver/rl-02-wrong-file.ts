import { reloaded, reloadPollMs, reloadsIn, startReloading } from "../apiserver-reload.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";

/** Several attempts of a backoff that begins with 5 ms and doubles (spec encryption-at-rest 4.4). */
const attemptsMs = 5000;

export const check = {
  id: "apiserver/rl-02-wrong-file",
  title: "A file that is no configuration leaves the old one in force, is counted as a failure, and is tried again.",
  level: "MUST",
  invariants: ["RL-02"],
  source: "spec encryption-at-rest 4.4; k8s.io/apiserver pkg/server/options/encryptionconfig/controller/controller.go",
  needs: ["configure", "store", "clock"],
  remedy: "Check a file with `kmsmark conform config` before it is put into place.",
  async run(subject) {
    await using stage = await subject.stage();
    const { server } = await startReloading(stage);
    const findings = new Findings();
    const before = await server.metrics();
    await server.plane.changeEncryption({ text: "kind: EncryptionConfiguration\napiVersion: apiserver.config.k8s.io/v1\nresources: []\n" });
    const isSeen = await reloaded(stage, server, "failure", before);
    const isTriedAgain =
      isSeen &&
      (await stage.until(async () => reloadsIn(await server.metrics(), "failure") >= reloadsIn(before, "failure") + 2, {
        withinMs: attemptsMs,
        everyMs: reloadPollMs,
      }));
    const after = await server.metrics();
    findings.add(isSeen && isTriedAgain, {
      sent: "a file without resources",
      received: `automatic_reloads_total{status="failure"} went from ${reloadsIn(before, "failure")} to ${reloadsIn(after, "failure")}`,
      expected: "two failures or more, the first within a minute",
    });
    findings.add(reloadsIn(after, "success") === reloadsIn(before, "success"), {
      sent: "the same file",
      received: `${reloadsIn(after, "success") - reloadsIn(before, "success")} successful reloads`,
      expected: "none",
    });
    const created = await server.create("after", "a value from after the wrong file");
    const kind = created.failure === undefined ? (await server.stored("after")).value.kind : `nothing: ${created.status}`;
    findings.add(kind === "kms-v2", { sent: "a new Secret", received: `stored by ${kind}`, expected: "stored by kms-v2, as before" });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
