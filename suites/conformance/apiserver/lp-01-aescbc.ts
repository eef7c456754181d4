import { decodeSecret, EnvelopeError } from "../../../harness/envelope/index.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { openOffline } from "../offline.ts";

const blockBytes = 16;
/** One more byte of value is one more of plaintext, or two where a length in the object takes a byte more: every padding occurs. */
const writes = 20;

export const check = {
  id: "apiserver/lp-01-aescbc",
  title: "aescbc stores an IV of 16 bytes and whole blocks, with 1 to 16 bytes of padding.",
  level: "MUST",
  invariants: ["LP-01"],
  source: "spec encryption-at-rest 3; k8s.io/apiserver pkg/storage/value/encrypt/aes/aes.go",
  needs: ["configure", "store"],
  remedy: "Values of this form are read by no kube-apiserver: write them anew with another provider.",
  async run(subject) {
    const findings = new Findings();
    const ivs = new Set<string>();
    const paddings = new Set<number>();
    await using stage = await subject.shared("aescbc");
    const { server } = stage;
    for (let length = 1; length <= writes; length++) {
      const name = `of-${String(length).padStart(2, "0")}`;
      await server.succeed(server.create(name, "x".repeat(length)));
      const { value } = await server.stored(name);
      if (value.kind !== "aescbc") throw new Error(`aescbc is first, and ${value.kind} stored.`);
      ivs.add(Buffer.from(value.body.subarray(0, blockBytes)).toString("hex"));
      let padding: number | undefined;
      try {
        const plaintext = openOffline(stage, value, server.keyOf(name));
        if (decodeSecret(plaintext).data.get("value")?.length === length) padding = value.body.length - blockBytes - plaintext.length;
      } catch (thrown) {
        if (!(thrown instanceof EnvelopeError)) throw thrown;
      }
      if (padding !== undefined) paddings.add(padding);
      const isWhole = value.body.length % blockBytes === 0 && value.body.length >= 2 * blockBytes;
      const isRight = isWhole && padding !== undefined && padding >= 1 && padding <= blockBytes;
      // All of them alike say no more than their sum below.
      if (isRight) continue;
      findings.add(false, {
        sent: `a Secret with a value of ${length} bytes`,
        received: `${value.body.length} bytes behind the prefix, ${padding === undefined ? "which do not decrypt" : `${padding} of them padding`}`,
        expected: "a multiple of 16 bytes that decrypts, 1 to 16 of them padding",
      });
    }
    findings.add(ivs.size === writes && paddings.size === blockBytes, {
      sent: `${writes} Secrets, each with one byte of value more`,
      received: `${ivs.size} different IVs and ${paddings.size} different lengths of padding`,
      expected: `${writes} IVs, one a write, and ${blockBytes} lengths of padding, 1 to 16 bytes`,
    });
    return findings.outcome(writes + 1);
  },
} satisfies Check<ApiserverSubject>;
