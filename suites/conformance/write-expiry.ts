import { createHash } from "node:crypto";
import { KmsCallError } from "../../harness/kms/contract.ts";
import { wordsOf } from "./answers.ts";
import { type KmsServer, unavailable } from "./apiserver-kms.ts";
import type { TestServer } from "./apiserver-server.ts";
import type { Stage } from "./apiserver-subject.ts";
import type { Findings } from "./check.ts";

/**
 * A seed writes for this long after the check began that found its key_id in force, milliseconds (spec encryption-at-rest 2.5; k8s.io/apiserver
 * pkg/server/options/encryptionconfig/config.go).
 */
export const writeTtlMs = 180_000;
/** A check begins before its Status comes to the plugin: by this much on a busy machine, milliseconds. */
const startSlackMs = 10_000;
/** The clocks that both sides read are the same, but not the moments. */
const readSlackMs = 1000;
const writeEveryMs = 5000;

/** A write, by the stage's clock. */
interface Write {
  readonly sentMs: number;
  readonly answeredMs: number;
  /** Undefined where it succeeded. */
  readonly refusal: string | undefined;
}

/** Makes every Status fail from now on, and tells when the last one came that did not. */
export function failStatus({ kms }: KmsServer): number {
  kms.script = {
    ...kms.script,
    status: () => {
      throw new KmsCallError(unavailable, "the KMS is gone");
    },
  };
  return lastStatusMs({ kms });
}

/** When the last Status came until now. @throws Error where none did. */
export function lastStatusMs({ kms }: Pick<KmsServer, "kms">): number {
  const last = kms.since(0, "Status").at(-1);
  if (last === undefined) throw new Error("The API server has not asked for the plugin's Status.");
  return last.atMs;
}

/** Creates a Secret every five seconds until one is refused; gives up when the last ones should long have been. */
export async function writeUntilRefused(stage: Stage, server: TestServer, confirmedMs: number): Promise<readonly Write[]> {
  const writes: Write[] = [];
  const until = stage.clock.monotonicMs();
  await stage.until(
    async () => {
      const sentMs = stage.clock.monotonicMs();
      const answer = await server.create(`write-${writes.length}`, "a value");
      const answeredMs = stage.clock.monotonicMs();
      writes.push({ sentMs, answeredMs, refusal: answer.failure === undefined ? undefined : wordsOf(answer) });
      return answer.failure !== undefined;
    },
    { withinMs: confirmedMs + writeTtlMs + 2 * writeEveryMs - until, everyMs: writeEveryMs },
  );
  return writes;
}

/** Adds whether the writes went on as long as the seed of this key_id may write, and ended with it. */
export function addExpiry(
  findings: Findings,
  writes: readonly Write[],
  { confirmedMs, keyId, sent }: { readonly confirmedMs: number; readonly keyId: string; readonly sent: string },
): boolean {
  const since = (ms: number) => ((ms - confirmedMs) / 1000).toFixed(0);
  const says = `encryptedDEKSource with keyID hash "sha256:${createHash("sha256").update(keyId).digest("hex")}" expired at`;
  const lastGood = writes.findLast(({ refusal }) => refusal === undefined);
  const refused = writes.find(({ refusal }) => refusal !== undefined);
  const wentOn = refused === undefined || refused.answeredMs >= confirmedMs + writeTtlMs - startSlackMs;
  const ended = lastGood === undefined || lastGood.sentMs <= confirmedMs + writeTtlMs + readSlackMs;
  return findings.add(wentOn && ended && refused?.refusal?.includes(says) === true, {
    sent: `a POST every ${writeEveryMs / 1000} s, ${sent}`,
    received: [
      lastGood === undefined ? "no success" : `success until ${since(lastGood.sentMs)} s after the last good Status`,
      refused === undefined ? "never a refusal" : `at ${since(refused.answeredMs)} s ${refused.refusal}`,
    ].join(", "),
    expected: `success for ${writeTtlMs / 1000} s after the last good Status, then HTTP 500 with: ${says}`,
  });
}
