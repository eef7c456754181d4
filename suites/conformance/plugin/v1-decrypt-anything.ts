import { type Check, Findings } from "../check.ts";
import { deadlineMs, isRefusal } from "../plugin-calls.ts";
import { addEndingsV1, addStillWorksV1, openedDek } from "../plugin-calls-v1.ts";
import { addLivesOn, watchConnection } from "../plugin-connection-watch.ts";
import type { PluginSubject } from "../plugin-subject.ts";

/** Around the sizes of numbers, nonces, tags, blocks and keys, where a plugin takes a ciphertext apart. */
const lengths = [0, 1, 2, 3, 4, 7, 8, 12, 15, 16, 17, 24, 28, 31, 32, 33, 64, 255, 256, 4096];
const beginningsMax = 64;

export const check = {
  id: "plugin/v1-decrypt-anything",
  title: "Whatever Decrypt is given, it ends in time, and the plugin lives on.",
  level: "MUST",
  invariants: [],
  source:
    "spec encryption-at-rest 1.3: kube-apiserver sends what lies in etcd as it is, so one broken value would end the plugin for all others; k8s.io/apiserver pkg/storage/value/encrypt/envelope/envelope.go",
  needs: ["kms-v1"],
  remedy: "Look at a ciphertext's length before you take it apart, and let an error end the call and nothing else.",
  async run(subject) {
    const made = await openedDek(subject);
    if ("verdict" in made) return made;
    const { cipher } = made;
    const findings = new Findings();
    using watch = await watchConnection(subject.socket);
    const beginnings = Array.from({ length: beginningsMax }, (_, index) => Math.floor((index * cipher.length) / beginningsMax));
    const wrong = [
      ...lengths.flatMap((length) => [
        { what: `${length} random bytes`, cipher: subject.random.bytes(length) },
        { what: `${length} zeros`, cipher: new Uint8Array(length) },
        { what: `${length} bytes 0xff`, cipher: new Uint8Array(length).fill(0xff) },
      ]),
      ...beginnings.map((length) => ({
        what: `the first ${length} of ${cipher.length} bytes of a ciphertext`,
        cipher: cipher.slice(0, length),
      })),
      { what: "text in JSON", cipher: Buffer.from('{"ciphertext":null}') },
      { what: "text with colons", cipher: Buffer.from("k8s:enc:kms:v1::") },
    ];
    await addEndingsV1(subject, findings, wrong, {
      isRight: (result) => result.isAnswered || isRefusal(result),
      expected: `an answer or a refusal within ${deadlineMs} ms`,
    });
    await addStillWorksV1(subject, findings);
    addLivesOn(findings, watch);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
