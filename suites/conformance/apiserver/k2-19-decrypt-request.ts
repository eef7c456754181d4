import { hexOf } from "../apiserver-kms.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { reseal } from "../offline.ts";

const secrets = 3;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export const check = {
  id: "apiserver/k2-19-decrypt-request",
  title: "With KMS v2 Decrypt carries the stored ciphertext, key_id and annotations, and a UUID that no other call has.",
  level: "MUST",
  invariants: ["K2-19"],
  source: "spec encryption-at-rest 2.1; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/envelope.go, kmsv2/grpc_service.go",
  needs: ["configure", "store"],
  remedy: "Do not let the plugin depend on more than the ciphertext: this API server sends something else.",
  async run(subject) {
    await using stage = await subject.shared("kms-v2");
    const { kms, server } = stage;
    const findings = new Findings();
    const { mark } = kms;
    for (let index = 0; index < secrets; index++) {
      const name = `sealed-${index}`;
      await server.succeed(server.create(name, "a value"));
      // Under a seed that this API server has never seen.
      await reseal(stage, name, "kms-v2");
      await server.succeed(server.get(name));
      const { value } = await server.stored(name);
      if (value.kind !== "kms-v2") continue;
      const { encryptedDekSource, keyId, annotations } = value.object;
      // The watch cache reads the Secret, too.
      const calls = kms.since(mark, "Decrypt").filter(({ ciphertext }) => hexOf(ciphertext) === hexOf(encryptedDekSource));
      const right = calls.filter((call) => call.keyId === keyId && namesOf(call.annotations) === namesOf(annotations));
      findings.add(calls.length > 0 && right.length === calls.length, {
        sent: "GET of a Secret under a seed that the API server does not know",
        received: `${calls.length} Decrypt with its ciphertext, ${right.length} of them with its key_id and annotations`,
        expected: "1 Decrypt or more, all of them with its ciphertext, key_id and annotations",
      });
    }
    const uids = kms.since(mark, "Decrypt").map(({ uid }) => uid);
    findings.add(uids.length > 0 && uids.every((uid) => uuid.test(uid)) && new Set(uids).size === uids.length, {
      sent: `${uids.length} Decrypt calls`,
      received: `${new Set(uids).size} different uids, ${uids.filter((uid) => uuid.test(uid)).length} of ${uids.length} a random UUID`,
      expected: "a random UUID for each call",
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;

function namesOf(annotations: ReadonlyMap<string, Uint8Array>): string {
  return [...annotations].map(([name, value]) => `${name}=${hexOf(value)}`).join();
}
