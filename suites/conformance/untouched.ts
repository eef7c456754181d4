import { secretIn, wordsOf } from "./answers.ts";
import { hexOf } from "./apiserver-kms.ts";
import type { TestServer } from "./apiserver-server.ts";
import type { Findings } from "./check.ts";

/** Puts a Secret back as it is, and adds whether that left its resourceVersion and its stored bytes alone: it was not stale. */
export async function addUntouched(findings: Findings, server: TestServer, name: string, what: string): Promise<boolean> {
  const [shown, before] = [secretIn(await server.get(name)), await server.raw(name)];
  const answer = await server.replaceUnchanged(name);
  const [written, after] = [secretIn(answer), await server.raw(name)];
  const isSame = hexOf(before.bytes) === hexOf(after.bytes);
  return findings.add(
    written !== undefined && written.resourceVersion === shown?.resourceVersion && isSame && before.modRevision === after.modRevision,
    {
      sent: `a PUT that changes nothing of ${what}`,
      received: `${wordsOf(answer)}, resourceVersion ${shown?.resourceVersion} → ${written?.resourceVersion}, ${isSame ? "the same" : "other"} stored bytes`,
      expected: `HTTP 200 with resourceVersion ${shown?.resourceVersion} and the same stored bytes: it is not stale`,
    },
  );
}
