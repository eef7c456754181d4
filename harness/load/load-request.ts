import type { SecretRequest } from "./secret-spec.ts";

/** A request of a load, complete before the load begins. */
export interface LoadRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With its query. */
  readonly path: string;
  readonly body?: Uint8Array;
  /** `application/json` where none is given; a PATCH needs another one. */
  readonly contentType?: string;
  /** A status that means success besides 2xx. */
  readonly expected?: number;
  /** See {@link ApiAnswer.failure}. */
  readonly names?: readonly string[];
}

export type SecretName = Pick<SecretRequest, "namespace" | "name">;

export function createRequest({ namespace, name, body }: SecretRequest): LoadRequest {
  return { method: "POST", path: `/api/v1/namespaces/${namespace}/secrets`, body, names: namesOf({ namespace, name }) };
}

export function getRequest(secret: SecretName): LoadRequest {
  return { method: "GET", path: pathOf(secret), names: namesOf(secret) };
}

/** Replaces a Secret (PUT). */
export function updateRequest(secret: SecretRequest): LoadRequest {
  return { method: "PUT", path: pathOf(secret), body: secret.body, names: namesOf(secret) };
}

export function deleteRequest(secret: SecretName): LoadRequest {
  return { method: "DELETE", path: pathOf(secret), names: namesOf(secret) };
}

function pathOf({ namespace, name }: SecretName): string {
  return `/api/v1/namespaces/${namespace}/secrets/${name}`;
}

/** The longer one first: messages give an object as `namespace/name` or by its name alone. */
function namesOf({ namespace, name }: SecretName): string[] {
  return [`${namespace}/${name}`, name];
}
