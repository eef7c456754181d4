import type { KeyRecord } from "./key-store.ts";
import { CloudError } from "./service.ts";

type State = KeyRecord["state"];
type Refusal = "Disabled" | "PendingDeletion" | "PendingImport" | "StateModifiedFailed";

/**
 * What an operation is refused with in the states that it cannot stand (spec alibaba-cloud 1.5). A state that is not named is fine. The
 * cells that the documents leave open, UpdateRotationPolicy's codes, are our guess.
 */
const refusals = {
  use: { Disabled: "Disabled", PendingDeletion: "PendingDeletion", PendingImport: "PendingImport" },
  EnableKey: { PendingDeletion: "StateModifiedFailed", PendingImport: "StateModifiedFailed" },
  DisableKey: { PendingDeletion: "StateModifiedFailed", PendingImport: "StateModifiedFailed" },
  ScheduleKeyDeletion: { PendingDeletion: "StateModifiedFailed" },
  CancelKeyDeletion: { Enabled: "StateModifiedFailed", Disabled: "StateModifiedFailed", PendingImport: "StateModifiedFailed" },
  CreateAlias: { PendingDeletion: "StateModifiedFailed" },
  UpdateAlias: { PendingDeletion: "PendingDeletion" },
  UpdateKeyDescription: { PendingDeletion: "PendingDeletion" },
  UpdateRotationPolicy: { Disabled: "Disabled", PendingDeletion: "PendingDeletion", PendingImport: "PendingImport" },
} as const satisfies Record<string, Partial<Record<State, Refusal>>>;

/** @throws CloudError 409 where the key's state forbids the operation; `use` is all that encrypts and decrypts. */
export function refuseInState({ state }: Pick<KeyRecord, "state">, operation: keyof typeof refusals): void {
  const ofOperation: Partial<Record<State, Refusal>> = refusals[operation];
  const refusal = ofOperation[state];
  if (refusal !== undefined) {
    throw new CloudError(409, `Rejected.${refusal}`, `The request was rejected because the state of the key is ${state}.`);
  }
}
