import type { Clock } from "../clock.ts";
import { messageOf, TargetError } from "../errors.ts";
import { saysPortInUse } from "./free-port.ts";
import type { Component, Running } from "./launcher.ts";

/** How a component is asked whether it is ready: undefined if it is, otherwise what it answers. May throw where nobody answers yet. */
export type Probe = (signal: AbortSignal) => Promise<string | undefined>;

/** Of a port that somebody else has taken in the meantime. */
export class PortTaken extends TargetError {}

const pollMs = 25;
/** kube-apiserver takes 2 s on an idle machine; a KMS plugin that hangs costs it up to 10 s more (spec encryption-at-rest 2.3). */
const readyWithinMs = 60_000;
const shownLines = 12;

/**
 * Resolves when the probe is satisfied.
 * @throws PortTaken; TargetError `component-ended` at once when the component dies, `component-not-ready` after a minute, both with the last lines of its log;
 *   the signal's reason
 */
export async function untilReady(
  component: Component,
  running: Running,
  probe: Probe,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  let end: string | undefined;
  const ended = running.ended.then((how) => {
    end = how;
  });
  const giveUpMs = clock.monotonicMs() + readyWithinMs;
  let answer = "nothing";
  for (;;) {
    signal.throwIfAborted();
    if (end !== undefined) throw await diedError(component, end, running);
    try {
      const complaint = await Promise.race([probe(signal), ended.then(() => answer)]);
      if (complaint === undefined) return;
      answer = complaint;
    } catch (thrown) {
      answer = messageOf(thrown);
    }
    if (clock.monotonicMs() > giveUpMs) {
      throw new TargetError(
        "component-not-ready",
        `${component} runs but is not ready after ${readyWithinMs / 1000} s; it answers: ${answer}\n${await shownTail(running)}`,
      );
    }
    await Promise.race([clock.sleep(pollMs, signal), ended]);
  }
}

async function diedError(component: Component, how: string, running: Running): Promise<TargetError> {
  const tail = await shownTail(running);
  if (saysPortInUse(tail)) return new PortTaken("port-in-use", `${component} found its port taken by another process.`);
  return new TargetError("component-ended", `${component} ended (${how}) before it was ready.\n${tail}`);
}

async function shownTail(running: Running): Promise<string> {
  const tail = await running.logTail(shownLines);
  return tail === "" ? "It printed nothing." : `The last lines of its log:\n${tail.replaceAll(/^/gm, "  ")}`;
}
