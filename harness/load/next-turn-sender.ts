import type { OnDone, Sender } from "./sender.ts";

/** Answers everything in the next turn of the event loop: nothing is in the way of what it is asked to send. */
export class NextTurnSender implements Sender {
  readonly count = Number.MAX_SAFE_INTEGER;
  onDone: OnDone = () => {};
  #sent: number[] = [];

  send(index: number): void {
    this.#sent.push(index);
  }

  flush(): void {
    setImmediate(() => {
      for (const index of this.#sent.splice(0)) this.onDone(index, 0, undefined);
    });
  }

  abort(): void {}
}
