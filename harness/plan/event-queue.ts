interface Event {
  readonly atMs: number;
  readonly sequence: number;
  readonly run: () => void;
}

/** A virtual time that jumps from one event to the next: what falls due first runs first, and of two that fall due together the older one. */
export class EventQueue {
  #heap: Event[] = [];
  #nowMs = 0;
  #sequence = 0;

  /** Milliseconds since the simulation's start. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Events that ran or wait. */
  get events(): number {
    return this.#sequence;
  }

  at(atMs: number, run: () => void): void {
    const heap = this.#heap;
    const event: Event = { atMs: Math.max(atMs, this.#nowMs), sequence: this.#sequence++, run };
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = heap[parentAt];
      if (parent === undefined || isBefore(parent, event)) break;
      heap[at] = parent;
      at = parentAt;
    }
    heap[at] = event;
  }

  /** Runs what falls due until `untilMs`, exclusive, or until `isOver`; then it is that time. */
  run(untilMs: number, isOver: () => boolean = () => false): void {
    for (let next = this.#heap[0]; next !== undefined && next.atMs < untilMs; next = this.#heap[0]) {
      if (isOver()) return;
      this.#removeFirst();
      this.#nowMs = next.atMs;
      next.run();
    }
    if (!isOver()) this.#nowMs = untilMs;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let childAt = 2 * at + 1;
      let child = heap[childAt];
      if (child === undefined) break;
      const right = heap[childAt + 1];
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        childAt++;
      }
      if (isBefore(last, child)) break;
      heap[at] = child;
      at = childAt;
    }
    heap[at] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);
}
