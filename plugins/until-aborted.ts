/** Waits for an answer that several may wait for: who gives up gets the signal's reason, and leaves the others theirs. */
export async function untilAborted<Answer>(answer: Promise<Answer>, signal: AbortSignal): Promise<Answer> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  // Whoever loses the race must not become an unhandled rejection.
  answer.catch(() => {});
  try {
    return await Promise.race([aborted, answer]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
