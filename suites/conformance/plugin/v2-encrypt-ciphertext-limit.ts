import { type Check, Findings } from "../check.ts";
import { encrypt, seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-encrypt-ciphertext-limit",
  title: "The ciphertext of 32 bytes has at most 1024 bytes.",
  level: "MUST",
  invariants: ["K2-17"],
  source: "spec encryption-at-rest 2.2; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/envelope.go",
  needs: ["kms-v2"],
  remedy: "Put what is constant into the plugin's own store instead of the ciphertext; kube-apiserver refuses a longer one.",
  async run(subject) {
    const findings = new Findings();
    for (let call = 0; call < 10; call++) {
      const { ciphertext } = await encrypt(subject.v2, subject.random.bytes(seedLength));
      if (
        !findings.add(ciphertext.length <= 1024, {
          sent: "Encrypt of 32 bytes",
          received: `${ciphertext.length} bytes`,
          expected: "at most 1024 bytes",
        })
      )
        break;
    }
    return findings.outcome(1);
  },
} satisfies Check<PluginSubject>;
