import { badResultMs, goodResultMs, type KmsServer } from "./apiserver-kms.ts";
import type { Stage } from "./apiserver-subject.ts";
import type { Findings } from "./check.ts";
import type { KmsCall } from "./scripted-kms.ts";

/** How often the health endpoint is asked: much more often than the plugin may be. */
const askEveryMs = 500;
/** Two clocks that are read at different moments. */
const readSlackMs = 200;
const waitSlackMs = 15_000;
const badRounds = 3;

/**
 * Asks the health endpoint twice a second, while the plugin is well and while it fails, and adds how often the plugin itself was asked. A time
 * that is too long may be the machine's; one that is too short is the API server's.
 *
 * @param calls - those that stand for one round of the plugin, all since the start.
 * @param fail - makes the plugin fail.
 */
export async function addProbePace(
  findings: Findings,
  stage: Stage,
  { server, healthPath }: KmsServer,
  { method, calls, fail }: { readonly method: string; readonly calls: () => readonly KmsCall[]; readonly fail: () => void },
): Promise<void> {
  const askUntil = (count: number, withinMs: number) =>
    stage.until(
      async () => {
        await server.health(healthPath);
        return calls().length >= count;
      },
      { withinMs: withinMs + waitSlackMs, everyMs: askEveryMs },
    );

  const good = calls().length + 1;
  const hasGood = await askUntil(good, goodResultMs);
  fail();
  // A bad result follows the last good one, which is given out to its end.
  const hasBad = await askUntil(good + badRounds, goodResultMs + (badRounds - 1) * badResultMs);

  const times = calls().map(({ atMs }) => atMs);
  const gaps = times.slice(1).map((ms, index) => ms - (times[index] ?? 0));
  for (const [what, hasCalls, between, leastMs] of [
    ["the plugin is well", hasGood, gaps.slice(0, good), goodResultMs],
    ["the plugin fails", hasBad, gaps.slice(good), badResultMs],
  ] as const) {
    findings.add(hasCalls && between.every((ms) => ms >= leastMs - readSlackMs), {
      sent: `GET ${healthPath} every ${askEveryMs / 1000} s while ${what}`,
      received: hasCalls ? `${method} after ${between.map((ms) => `${(ms / 1000).toFixed(1)} s`).join(", ")}` : `no further ${method}`,
      expected: `${method} again, at least ${leastMs / 1000} s after the one before`,
    });
  }
}
