/** Why a transform or a KMS call failed, in the words that kube-apiserver uses. */
export interface Failure {
  readonly message: string;
  /** The gRPC status code's name where the cause was a gRPC call and its code was not lost on the way; it labels the metrics. */
  readonly grpcCodeName: string | undefined;
}

/** What came of something that may fail. */
export type Outcome<Value> = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly failure: Failure };

/** A failure that no gRPC call caused, or whose gRPC code was lost. */
export function failure(message: string): Failure {
  return { message, grpcCodeName: undefined };
}

/** The `status` label of a transformation (spec encryption-at-rest 5): `OK`, a gRPC code's name, or `unknown-non-grpc`. */
export function statusLabel(problem: Failure | undefined): string {
  return problem === undefined ? "OK" : (problem.grpcCodeName ?? "unknown-non-grpc");
}

/** One failure as it is, several as `[a, b]` with repetitions left out (spec encryption-at-rest 0.4; k8s.io/apimachinery/pkg/util/errors). */
export function aggregate(failures: readonly Failure[]): Failure | undefined {
  if (failures.length <= 1) return failures[0];
  const messages = [...new Set(failures.map(({ message }) => message))];
  return failure(messages.length === 1 ? messages.join() : `[${messages.join(", ")}]`);
}
