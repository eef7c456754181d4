import { createHash } from "node:crypto";
import { sumOf } from "../../../harness/load/metrics.ts";
import { renderEncryptionConfiguration } from "../../../harness/target/encryption-configuration.ts";
import { newAesGcm, reloaded, reloadsIn, secretsBy, startReloading } from "../apiserver-reload.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";

export const check = {
  id: "apiserver/rl-01-reload",
  title: "A changed configuration file is in force within a minute, and the metrics say so.",
  level: "MUST",
  invariants: ["RL-01"],
  source: "spec encryption-at-rest 4.4; k8s.io/apiserver pkg/server/options/encryptionconfig/controller/controller.go",
  needs: ["configure", "store", "clock"],
  remedy: "Restart the API servers after a change of the file, and do not rely on the reload.",
  async run(subject) {
    await using stage = await subject.stage();
    const { server, provider } = await startReloading(stage);
    const findings = new Findings();
    const before = await server.metrics();
    const changed = secretsBy(newAesGcm(), provider);
    await server.plane.changeEncryption(changed);
    const isIn = await reloaded(stage, server, "success", before);
    const after = await server.metrics();
    findings.add(isIn && reloadsIn(after, "success") === reloadsIn(before, "success") + 1, {
      sent: "a file with aesgcm in front of KMS v2",
      received: `automatic_reloads_total{status="success"} went from ${reloadsIn(before, "success")} to ${reloadsIn(after, "success")}`,
      expected: "one reload more within a minute",
    });
    const hash = `sha256:${createHash("sha256").update(renderEncryptionConfiguration(changed)).digest("hex")}`;
    findings.add(sumOf(after, "apiserver_encryption_config_controller_last_config_info", { hash }) === 1, {
      sent: "the same file",
      received: `last_config_info ${sumOf(after, "apiserver_encryption_config_controller_last_config_info", { hash })} for ${hash}`,
      expected: "1 for the SHA-256 of the file's bytes",
    });
    await server.succeed(server.create("after", "a value from after the reload"));
    const { kind } = (await server.stored("after")).value;
    findings.add(kind === "aesgcm", {
      sent: "a new Secret",
      received: `stored by ${kind}`,
      expected: "stored by aesgcm, which is first now",
    });
    const old = await server.get("before");
    findings.add(old.status === 200, { sent: "GET of a Secret from before", received: `HTTP ${old.status}`, expected: "HTTP 200" });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
