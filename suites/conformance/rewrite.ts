import type { StoredValue } from "../../harness/envelope/index.ts";
import { secretIn, wordsOf } from "./answers.ts";
import type { TestServer } from "./apiserver-server.ts";
import type { Findings } from "./check.ts";

/**
 * Puts a stale Secret back twice as it is, and finds whether that wrote it anew exactly once. Who stored it, before and after, is the provider
 * or `aescbc key1`.
 */
export async function rewriteFindings(
  findings: Findings,
  server: TestServer,
  { name, before, after }: { readonly name: string; readonly before: string; readonly after: string },
): Promise<void> {
  const stale = secretIn(await server.get(name));
  const first = await server.replaceUnchanged(name);
  const rewritten = await server.stored(name);
  const second = await server.replaceUnchanged(name);
  const left = await server.raw(name);
  const [versionBefore, versionAfter, versionLast] = [stale, secretIn(first), secretIn(second)].map((secret) => secret?.resourceVersion);

  const isBy = isWrittenBy(rewritten.value, after);
  findings.add(stale !== undefined && versionAfter !== undefined && versionAfter !== versionBefore && isBy, {
    sent: `a PUT that changes nothing of a Secret that ${before} stored, with ${after} first`,
    received: `${wordsOf(first)}, resourceVersion ${versionBefore} → ${versionAfter}, stored by ${isBy ? after : "another"}`,
    expected: `HTTP 200 with another resourceVersion, stored by ${after}`,
  });
  findings.add(versionLast !== undefined && versionLast === versionAfter && left.modRevision === rewritten.modRevision, {
    sent: "the same PUT once more",
    received: `${wordsOf(second)}, resourceVersion ${versionLast}, etcd's revision ${left.modRevision}`,
    expected: `HTTP 200 with resourceVersion ${versionAfter}, etcd's revision ${rewritten.modRevision}: nothing is stale any more`,
  });
}

function isWrittenBy(value: StoredValue, writer: string): boolean {
  return writer === ("keyName" in value && writer.includes(" ") ? `${value.kind} ${value.keyName}` : value.kind);
}
