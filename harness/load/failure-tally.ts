import type { Phase } from "../run/schema.ts";

/** Longest message that is kept, in UTF-16 units. */
const messageLengthMax = 200;

/** Distinct failures that are told apart; a server that puts a time or an id into each message must not fill the memory. */
const distinctMax = 200;

/** Counts failures by status and message. */
export class FailureTally {
  #byKey = new Map<string, { status: number; message: string; count: number }>();

  /** Counts one failure; a message longer than 200 characters is cut. Where there are too many distinct ones, the status alone is told. */
  add(status: number, message: string): void {
    const cut = message.length > messageLengthMax ? `${message.slice(0, messageLengthMax - 1)}…` : message;
    const kept = this.#byKey.has(`${status} ${cut}`) || this.#byKey.size < distinctMax ? cut : "other messages";
    const failure = this.#byKey.get(`${status} ${kept}`);
    if (failure === undefined) this.#byKey.set(`${status} ${kept}`, { status, message: kept, count: 1 });
    else failure.count++;
  }

  /** The most frequent first; of equally frequent ones the one that came first. */
  mostFrequent(most: number): Phase["failures"] {
    return [...this.#byKey.values()]
      .sort((a, b) => b.count - a.count)
      .slice(0, most)
      .map((failure) => ({ ...failure }));
  }
}
