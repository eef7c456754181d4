const placesAtFirst = 64;

/** Calls that wait, each with its deadline, first in first out, without an object a call. */
export class CallQueue {
  #indexes = new Int32Array(placesAtFirst);
  #deadlinesMs = new Float64Array(placesAtFirst);
  #first = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(index: number, deadlineMs: number): void {
    if (this.#length === this.#indexes.length) this.#grow();
    this.#put(this.#length++, index, deadlineMs);
  }

  /** The call that has waited longest; undefined where none does. */
  get first(): number | undefined {
    return this.#length === 0 ? undefined : this.#indexes[this.#first];
  }

  /** Of {@link first}. */
  get firstDeadlineMs(): number {
    return this.#deadlinesMs[this.#first] ?? 0;
  }

  dropFirst(): void {
    this.#first = (this.#first + 1) & (this.#indexes.length - 1);
    this.#length--;
  }

  /** Takes out the calls whose deadline has come, in their order. */
  takeExpired(nowMs: number): number[] {
    const expired: number[] = [];
    const waiting = this.#length;
    for (let at = 0; at < waiting; at++) {
      const index = this.first ?? 0;
      const deadlineMs = this.firstDeadlineMs;
      this.dropFirst();
      if (deadlineMs <= nowMs) expired.push(index);
      else this.push(index, deadlineMs);
    }
    return expired;
  }

  #put(at: number, index: number, deadlineMs: number): void {
    const place = (this.#first + at) & (this.#indexes.length - 1);
    this.#indexes[place] = index;
    this.#deadlinesMs[place] = deadlineMs;
  }

  #grow(): void {
    const [indexes, deadlinesMs, first] = [this.#indexes, this.#deadlinesMs, this.#first];
    this.#indexes = new Int32Array(2 * indexes.length);
    this.#deadlinesMs = new Float64Array(2 * indexes.length);
    this.#first = 0;
    for (let at = 0; at < this.#length; at++) {
      const from = (first + at) & (indexes.length - 1);
      this.#put(at, indexes[from] ?? 0, deadlinesMs[from] ?? 0);
    }
  }
}
