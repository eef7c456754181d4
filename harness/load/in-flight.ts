/**
 * What is known of the requests in flight, by their index: when each was due and when it was sent. A hash table with open addressing in typed
 * arrays, so that neither a request nor a million of them take memory. Indexes that follow one another do not collide.
 */
export class InFlight {
  #mask: number;
  /** The index, -1 where a place is free. Float64, because a long run has more requests than 2^31. */
  #indexes: Float64Array;
  #dueMs: Float64Array;
  #sentMs: Float64Array;
  #count = 0;

  /** @param most - how many there are at the same time at most. */
  constructor(most: number) {
    // A quarter full at most: probes stay short when old requests stand in the way of new ones.
    const places = 2 ** Math.ceil(Math.log2(most * 4));
    this.#mask = places - 1;
    this.#indexes = new Float64Array(places).fill(-1);
    this.#dueMs = new Float64Array(places);
    this.#sentMs = new Float64Array(places);
  }

  /** How many are in flight. */
  get count(): number {
    return this.#count;
  }

  add(index: number, dueMs: number, sentMs: number): void {
    let place = index & this.#mask;
    while (this.#indexes[place] !== -1) place = (place + 1) & this.#mask;
    this.#indexes[place] = index;
    this.#dueMs[place] = dueMs;
    this.#sentMs[place] = sentMs;
    this.#count++;
  }

  /** Where request `index` stands, for the other methods, until the next {@link remove}; -1 when it is not in flight. */
  placeOf(index: number): number {
    let place = index & this.#mask;
    for (;;) {
      const there = this.#indexes[place];
      if (there === index) return place;
      if (there === -1) return -1;
      place = (place + 1) & this.#mask;
    }
  }

  dueMs(place: number): number {
    return this.#dueMs[place] ?? Number.NaN;
  }

  sentMs(place: number): number {
    return this.#sentMs[place] ?? Number.NaN;
  }

  /** Takes out the request at `place`, and moves those behind it that were in its way (Knuth, The Art of Computer Programming, 6.4, algorithm R). */
  remove(place: number): void {
    const mask = this.#mask;
    let gap = place;
    for (let next = (gap + 1) & mask; ; next = (next + 1) & mask) {
      const index = this.#indexes[next] ?? -1;
      if (index === -1) break;
      // Its distance from where it belongs: it may move back to the gap if that lies between.
      if (((next - index) & mask) < ((next - gap) & mask)) continue;
      this.#indexes[gap] = index;
      this.#dueMs[gap] = this.dueMs(next);
      this.#sentMs[gap] = this.sentMs(next);
      gap = next;
    }
    this.#indexes[gap] = -1;
    this.#count--;
  }
}
