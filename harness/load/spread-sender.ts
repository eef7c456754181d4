import type { OnDone, Sender } from "./sender.ts";

/** Sends request `index` through `senders[index % senders.length]`; each of them knows every request. One alone is given back as it is. */
export function spreadSender(senders: readonly Sender[]): Sender {
  const [first] = senders;
  if (first === undefined) throw new RangeError("There is nobody to send through.");
  return senders.length === 1 ? first : new SpreadSender(senders, first);
}

class SpreadSender implements Sender {
  readonly #senders: readonly Sender[];
  readonly #first: Sender;

  constructor(senders: readonly Sender[], first: Sender) {
    this.#senders = senders;
    this.#first = first;
  }

  get count(): number {
    return this.#first.count;
  }

  get onDone(): OnDone {
    return this.#first.onDone;
  }

  set onDone(onDone: OnDone) {
    for (const sender of this.#senders) sender.onDone = onDone;
  }

  send(index: number): void {
    (this.#senders[index % this.#senders.length] ?? this.#first).send(index);
  }

  flush(): void {
    for (const sender of this.#senders) sender.flush();
  }

  abort(reason: string): void {
    for (const sender of this.#senders) sender.abort(reason);
  }
}
