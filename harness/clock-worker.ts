import { parentPort, workerData } from "node:worker_threads";

/**
 * The thread behind the alarms of {@link systemClock}: it sleeps to the fraction of a millisecond, which timers of Node.js cannot, and wakes its owner with a message.
 * The first cell counts how often a time was set, the second holds how long from then, in microseconds; -1 for none.
 */
const cells: unknown = workerData;
if (!(cells instanceof Int32Array) || parentPort === null) throw new TypeError("This file runs as the thread of a clock.");

for (;;) {
  const set = Atomics.load(cells, 0);
  const waitUs = Atomics.load(cells, 1);
  // A time that is set while this looks ends the wait at once.
  if (Atomics.wait(cells, 0, set, waitUs < 0 ? undefined : waitUs / 1000) !== "timed-out") continue;
  parentPort.postMessage(set);
  Atomics.wait(cells, 0, set);
}
