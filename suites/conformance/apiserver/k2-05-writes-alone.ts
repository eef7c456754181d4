import { hexOf } from "../apiserver-kms.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";

const secrets = 30;

export const check = {
  id: "apiserver/k2-05-writes-alone",
  title: "With KMS v2 writes call no plugin, and share the encrypted seed that the plugin gave last.",
  level: "MUST",
  invariants: ["K2-05"],
  source: "spec encryption-at-rest 2.5; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go",
  needs: ["configure", "store"],
  remedy: "Measure the calls of this API server before you plan a quota for it.",
  async run(subject) {
    await using stage = await subject.shared("kms-v2");
    const { kms, server } = stage;
    const { mark } = kms;
    const edeks = new Set<string>();
    for (let index = 0; index < secrets; index++) {
      const name = `write-${index}`;
      await server.succeed(server.create(name, "a value"));
      await server.succeed(server.update(name, "another value"));
      const { value } = await server.stored(name);
      if (value.kind === "kms-v2") edeks.add(hexOf(value.object.encryptedDekSource));
    }
    const given = kms.calls.findLast((call) => call.kms === "v2" && call.method === "Encrypt")?.ciphertext;
    const calls = [...kms.since(mark, "Encrypt"), ...kms.since(mark, "Decrypt")].map(({ method }) => method);
    const findings = new Findings();
    findings.add(calls.length === 0, {
      sent: `${secrets} POST and ${secrets} PUT`,
      received: calls.length === 0 ? "no call of the plugin" : `${calls.length} calls of the plugin: ${[...new Set(calls)].join(", ")}`,
      expected: "no call of the plugin but Status",
    });
    findings.add(edeks.size === 1 && edeks.has(hexOf(given)), {
      sent: "the same",
      received: `${edeks.size} encrypted seeds in etcd, the plugin's last ${edeks.has(hexOf(given)) ? "" : "not "}among them`,
      expected: "one: the plugin's last",
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
