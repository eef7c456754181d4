import { decodeSecret, EnvelopeError, type StoredValue } from "../../../harness/envelope/index.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { boundProviders, type Keyring, openOffline } from "../offline.ts";

const value = "a value that is bound to its key";

export const check = {
  id: "apiserver/aad-03-etcd-key",
  title: "The authenticated data of aesgcm and of a KMS is the full etcd key, byte for byte.",
  level: "MUST",
  invariants: ["AAD-03"],
  source: "spec encryption-at-rest 0.3; k8s.io/apiserver pkg/storage/etcd3/store.go",
  needs: ["configure", "store"],
  remedy: "Do not restore this etcd into another cluster, or under another --etcd-prefix, before you know what its values are bound to.",
  async run(subject) {
    const findings = new Findings();
    for (const provider of boundProviders) {
      await using stage = await subject.shared(provider);
      const { server } = stage;
      await server.succeed(server.create("bound", value));
      const { value: stored } = await server.stored("bound");
      const key = server.keyOf("bound");
      const opened = valueIn(stage, stored, key);
      findings.add(opened === value, {
        sent: `decryption of a Secret of ${provider} without the API server, with its etcd key ${key} as authenticated data`,
        received: opened === undefined ? "it does not open" : opened === value ? "the value that was written" : "another value",
        expected: "the value that was written",
      });
      for (const other of othersThan(key, server.plane.etcdPrefix)) {
        const isOpened = valueIn(stage, stored, other) !== undefined;
        findings.add(!isOpened, {
          sent: `the same with ${other === "" ? "no authenticated data" : other}`,
          received: isOpened ? "it opens" : "it does not open",
          expected: "it does not open",
        });
      }
    }
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;

/** Keys that one might take for it: nothing, without the prefix, without the first slash, with another end. */
function othersThan(key: string, prefix: string): string[] {
  return ["", key.slice(prefix.length), key.slice(1), `${key}/`];
}

function valueIn(keyring: Keyring, stored: StoredValue, key: string): string | undefined {
  try {
    const { data } = decodeSecret(openOffline(keyring, stored, key));
    return Buffer.from(data.get("value") ?? []).toString();
  } catch (thrown) {
    if (thrown instanceof EnvelopeError) return undefined;
    throw thrown;
  }
}
