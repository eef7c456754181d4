/** Told once of each request that is over. `status` is the protocol's own (HTTP status, gRPC code), 0 where no answer came; `failure` says why it failed. */
export type OnDone = (index: number, status: number, failure: string | undefined) => void;

/**
 * What a load is sent through, made for many thousand requests a second: no promise, no closure and no object a request. Requests are known
 * by their index alone, and what is sent for an index was encoded beforehand.
 */
export interface Sender {
  /** How many requests there are to send; indexes from 0 to one below it are valid, and each is sent once at most. */
  readonly count: number;
  /**
   * Told of every request that ends, never from inside {@link send} or {@link flush}; it sends nothing itself. It takes answers that came together
   * as one: what is told in one turn of the event loop ended at the same time. To be set before the first request.
   */
  onDone: OnDone;
  /** Begins request `index`; it may go no further than a buffer until {@link flush}. Never throws: a request that cannot be sent is done with status 0. */
  send(index: number): void;
  /** Lets everything go that was begun. The driver calls it when nothing more is due now. */
  flush(): void;
  /** Gives up what is in flight: each such request is soon done with status 0 and `reason`. */
  abort(reason: string): void;
}
