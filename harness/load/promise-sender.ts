import { messageOf } from "../errors.ts";
import type { OnDone, Sender } from "./sender.ts";

/** What came of a request. */
export interface Outcome {
  /** The protocol's own: an HTTP status or a gRPC code. */
  readonly status: number;
  /** Why it failed, without anything of a request's or an answer's body; undefined when it succeeded. */
  readonly failure: string | undefined;
}

/**
 * Sends through a function of promises, for what is not made for load: at some microseconds a request.
 *
 * @param send - resolves when the answer is complete; a rejection is a failure with status 0 and the error's message. The signal comes when the
 * load is given up.
 */
export function promiseSender(count: number, send: (index: number, signal: AbortSignal) => Promise<Outcome>): Sender {
  const giveUp = new AbortController();
  const sender: Sender = {
    count,
    onDone: unheard,
    send(index) {
      void outcomeOf(index).then(({ status, failure }) => sender.onDone(index, status, failure));
    },
    flush() {},
    abort(reason) {
      giveUp.abort(new Error(reason));
    },
  };
  const outcomeOf = async (index: number): Promise<Outcome> => {
    try {
      return await send(index, giveUp.signal);
    } catch (thrown) {
      return { status: 0, failure: messageOf(thrown) };
    }
  };
  return sender;
}

const unheard: OnDone = () => {
  throw new TypeError("A request is over, and nobody was set to be told.");
};
