import { systemClock as clock } from "../../harness/clock.ts";
import { Lease } from "../../harness/lease.ts";
import { chooseTarget } from "../../harness/target/choose.ts";
import { defaultVersions, removeContainer } from "../../harness/target/install/index.ts";
import type { TargetKind } from "../../harness/target/target.ts";
import { openOwnPlane } from "./envelope-own-plane.ts";
import type { EnvelopeSubject } from "./envelope-subject.ts";

/** For tests: a control plane of this kind whose values were written by every provider, with the bundled plugin. */
export async function ownPlaneOf(kind: TargetKind): Promise<EnvelopeSubject & AsyncDisposable> {
  const { signal } = new AbortController();
  await using held = new AsyncDisposableStack();
  const { target } = await chooseTarget({ wanted: kind, ...defaultVersions, environment: process.env, progress: () => {}, clock, signal });
  const lease = held.use(Lease.take("test", removeContainer));
  const subject = held.use(
    await openOwnPlane({ target, ...defaultVersions, pluginSocket: undefined, seed: "cross-read", lease, clock, signal }),
  );
  const all = held.move();
  return { ...subject, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
