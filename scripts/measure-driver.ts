/**
 * What the load driver itself costs: `node --expose-gc scripts/measure-driver.ts [REQUESTS]` sends so many (10 million by default) to a sender that answers all in the
 * next turn, and prints, as JSON, the CPU a request and what the memory grew by from the first tenth to the end.
 */
import { systemClock } from "../harness/clock.ts";
import { LoadDriver } from "../harness/load/driver.ts";
import { closedLoop, constantRate, type Schedule } from "../harness/load/schedule.ts";
import type { OnDone, Sender } from "../harness/load/sender.ts";

/** Answers everything in the next turn of the event loop, and looks at the memory twice. */
class NextTurnSender implements Sender {
  readonly count = Number.MAX_SAFE_INTEGER;
  onDone: OnDone = () => {};
  readonly memory: NodeJS.MemoryUsage[] = [];
  #lookAt: readonly number[];
  #sent = new Float64Array(4096);
  #inFlight = 0;

  constructor(lookAt: readonly number[]) {
    this.#lookAt = lookAt;
  }

  send(index: number): void {
    this.#sent[this.#inFlight++] = index;
    if (index !== this.#lookAt[this.memory.length]) return;
    globalThis.gc?.();
    this.memory.push(process.memoryUsage());
  }

  flush(): void {
    setImmediate(this.#answer);
  }

  readonly #answer = () => {
    const answered = this.#inFlight;
    this.#inFlight = 0;
    for (let at = 0; at < answered; at++) this.onDone(this.#sent[at] ?? 0, 200, undefined);
  };

  abort(): void {}
}

async function measure(schedule: Schedule) {
  const sender = new NextTurnSender([Math.floor(schedule.count / 10), schedule.count - 1]);
  const driver = new LoadDriver({ schedule, sender, clock: systemClock, signal: new AbortController().signal, inFlightMax: 64 });
  const before = process.cpuUsage();
  const { ok, dropped, durationMs } = await driver.run();
  const { user, system } = process.cpuUsage(before);
  const [first, last] = sender.memory;
  const grown = (of: "heapUsed" | "rss" | "arrayBuffers") => (last?.[of] ?? Number.NaN) - (first?.[of] ?? Number.NaN);
  return {
    load: schedule.model,
    requests: schedule.count,
    ok,
    dropped,
    cpuNsPerRequest: Math.round(((user + system) * 1000) / schedule.count),
    ratePerSecond: Math.round((ok * 1000) / durationMs),
    heapGrownBytes: grown("heapUsed"),
    arrayBuffersGrownBytes: grown("arrayBuffers"),
    rssGrownBytes: grown("rss"),
  };
}

const requests = Number(process.argv[2] ?? 10_000_000);
// Warm, so that the figures are of compiled code.
await measure(closedLoop({ inFlight: 64, count: 200_000 }));
const closed = await measure(closedLoop({ inFlight: 64, count: requests }));
// Faster than it can go: everything is always due, none is dropped unless a hundred seconds pass.
const open = await measure(constantRate({ ratePerSecond: 1_000_000, count: requests }));
process.stdout.write(`${JSON.stringify([closed, open], undefined, 2)}\n`);
