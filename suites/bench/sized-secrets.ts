import { encodeSecret, type SecretRequest, type SecretSpec } from "../../harness/load/secret-spec.ts";
import { Random } from "../../harness/random.ts";

/** The namespace of Secrets that are all of one size; every cluster has it. */
const namespace = "default";

export interface SizedSecrets {
  readonly count: number;
  /** Of the value. */
  readonly bytes: number;
  readonly seed: string;
  readonly prefix?: string;
}

/** Opaque Secrets with one value of so many bytes each, drawn from the seed; their names begin with the prefix, `sized` by default. */
export function sizedSecrets({ count, bytes, seed, prefix = "sized" }: SizedSecrets): SecretSpec[] {
  const random = new Random(seed).child(`${prefix}/${bytes}`);
  return Array.from({ length: count }, (_, index) => ({
    namespace,
    name: `${prefix}-${bytes}-${String(index).padStart(6, "0")}`,
    type: "Opaque",
    data: new Map([["value", random.child(String(index)).bytes(bytes)]]),
  }));
}

/** The same as requests. */
export function sizedBodies(specs: readonly SecretSpec[]): SecretRequest[] {
  return specs.map((spec) => encodeSecret(spec));
}
