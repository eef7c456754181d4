import { EnvelopeError, validateEncryptedObject } from "../../../harness/envelope/index.ts";
import { type Check, Findings, notApplicable } from "../check.ts";
import { encrypt, seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

/** What kube-apiserver would say of the name. */
function faultOf(key: string): string | undefined {
  const byte = Uint8Array.of(1);
  try {
    validateEncryptedObject({
      encryptedData: byte,
      keyId: "1",
      encryptedDekSource: byte,
      encryptedDekSourceType: 1,
      annotations: new Map([[key, byte]]),
    });
    return undefined;
  } catch (thrown) {
    if (thrown instanceof EnvelopeError) return thrown.message;
    throw thrown;
  }
}

export const check = {
  id: "plugin/v2-annotations-names",
  title: "Annotations are named by domains of at least two segments.",
  level: "MUST",
  invariants: ["K2-18"],
  source: "spec encryption-at-rest 2.2; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/envelope.go",
  needs: ["kms-v2"],
  remedy: "Name annotations like `version.plugin.example.com`.",
  async run(subject) {
    const { annotations } = await encrypt(subject.v2, subject.random.bytes(seedLength));
    if (annotations.size === 0) return notApplicable("The plugin gives no annotations.");
    const findings = new Findings();
    for (const key of annotations.keys()) {
      const fault = faultOf(key);
      findings.add(fault === undefined, {
        sent: "Encrypt",
        received: `the annotation ${JSON.stringify(key)}${fault === undefined ? "" : `: ${fault}`}`,
        expected: "a domain name",
      });
    }
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
