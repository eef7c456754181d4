/** When an event happens, as the caller's clock tells it: the model has no clock of its own. */
export interface Instant {
  /** Milliseconds since an arbitrary origin; all durations are measured with it. */
  readonly monotonicMs: number;
  /** Milliseconds since 1970-01-01T00:00:00Z; it only appears in messages. */
  readonly wallMs: number;
}

/** `2026-01-01T00:00:00Z`: a wall time as Go's `time.RFC3339` prints it in UTC. */
export function rfc3339(wallMs: number): string {
  return `${new Date(wallMs).toISOString().slice(0, 19)}Z`;
}
