import { type ApiserverSubject, encryptingProviders, type KnownServer } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";

const remainder = 40;

export const check = {
  id: "apiserver/fr-01-prefix",
  title: "An encrypted value begins with its provider's prefix, the name of the provider or key, and a colon.",
  level: "MUST",
  invariants: ["FR-01"],
  source: "spec encryption-at-rest 0.1; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go",
  needs: ["configure", "store"],
  remedy: "What stores values with another prefix is not kube-apiserver's encryption: no kube-apiserver reads them back.",
  async run(subject) {
    const findings = new Findings();
    for (const provider of encryptingProviders) {
      await using stage = await subject.shared(provider);
      await stage.server.succeed(stage.server.create("prefixed", "a value"));
      const { bytes } = await stage.server.raw("prefixed");
      const expected = prefixesOf(stage)[provider];
      const begin = printable(bytes.subarray(0, expected.length));
      findings.add(begin === expected && bytes.length > expected.length + remainder, {
        sent: `a Secret, with ${provider} as the first provider`,
        received: `${bytes.length} bytes that begin with ${begin}`,
        expected: `bytes that begin with ${expected}, and more than ${remainder} behind it`,
      });
    }
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;

function prefixesOf({ names, localKeys }: KnownServer) {
  return {
    "kms-v2": `k8s:enc:kms:v2:${names["kms-v2"]}:`,
    "kms-v1": `k8s:enc:kms:v1:${names["kms-v1"]}:`,
    aescbc: `k8s:enc:aescbc:v1:${localKeys.aescbc.name}:`,
    aesgcm: `k8s:enc:aesgcm:v1:${localKeys.aesgcm.name}:`,
    secretbox: `k8s:enc:secretbox:v1:${localKeys.secretbox.name}:`,
  };
}

/** Bytes that are not printed in ASCII stand as `?`, so that no plaintext is told. */
function printable(bytes: Uint8Array): string {
  const begin = Buffer.from(bytes).toString("latin1");
  return begin.startsWith("k8s:enc:") ? begin.replaceAll(/[^!-~]/g, "?") : "something else than k8s:enc:";
}
