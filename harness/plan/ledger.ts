/** Why a KMS call is made. */
export const causes = [
  "start",
  "status poll",
  "health probe",
  "write",
  "watch event",
  "cold read",
  "consistency check",
  "reload",
  "rotation",
  "migration",
] as const;
export type Cause = (typeof causes)[number];

export const planMethods = ["Status", "Version", "Encrypt", "Decrypt"] as const;
export type PlanMethod = (typeof planMethods)[number];

export interface CallCount {
  readonly cause: Cause;
  readonly method: PlanMethod;
  readonly calls: number;
}

/** Calls of the plugin by cause and method, as a tap before it would see them. */
export class Ledger {
  readonly #counts = new Map<Cause, Map<PlanMethod, number>>();

  add(cause: Cause, method: PlanMethod, calls = 1): void {
    if (calls === 0) return;
    let ofCause = this.#counts.get(cause);
    if (ofCause === undefined) {
      ofCause = new Map();
      this.#counts.set(cause, ofCause);
    }
    ofCause.set(method, (ofCause.get(method) ?? 0) + calls);
  }

  count(cause: Cause, method: PlanMethod): number {
    return this.#counts.get(cause)?.get(method) ?? 0;
  }

  /** Calls of a method, whatever caused them. */
  total(method: PlanMethod): number {
    return causes.reduce((sum, cause) => sum + this.count(cause, method), 0);
  }

  /** What was called at all. */
  entries(): CallCount[] {
    return causes.flatMap((cause) =>
      planMethods.flatMap((method) => {
        const calls = this.count(cause, method);
        return calls === 0 ? [] : [{ cause, method, calls }];
      }),
    );
  }
}
