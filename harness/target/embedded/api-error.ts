import type { Failure } from "../../model/index.ts";

/** What an API server answers with when a request fails: `v1.Status` (k8s.io/apimachinery/pkg/api/errors). */
export class ApiError extends Error {
  readonly httpStatus: number;
  readonly reason: string;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(httpStatus: number, reason: string, message: string, details?: Readonly<Record<string, unknown>>) {
    super(message);
    this.name = "ApiError";
    this.httpStatus = httpStatus;
    this.reason = reason;
    this.details = details;
  }

  /** The body of the answer. */
  toStatus(): Record<string, unknown> {
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: this.message,
      reason: this.reason,
      ...(this.details === undefined ? {} : { details: this.details }),
      code: this.httpStatus,
    };
  }
}

export function notFound(resource: string, name: string): ApiError {
  return new ApiError(404, "NotFound", `${resource} "${name}" not found`, { name, kind: resource });
}

export function alreadyExists(resource: string, name: string): ApiError {
  return new ApiError(409, "AlreadyExists", `${resource} "${name}" already exists`, { name, kind: resource });
}

/** The request was made for another version of the object than the stored one. */
export function conflict(resource: string, name: string, cause = modified): ApiError {
  return new ApiError(409, "Conflict", `Operation cannot be fulfilled on ${resource} "${name}": ${cause}`, { name, kind: resource });
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, "BadRequest", message);
}

export function forbidden(resource: string, name: string, cause: string): ApiError {
  return new ApiError(403, "Forbidden", `${resource} "${name}" is forbidden: ${cause}`, { name, kind: resource });
}

/** A field of the object is not valid. */
export function invalid(kind: string, name: string, field: string, problem: string): ApiError {
  const causes = [{ reason: "FieldValueInvalid", message: problem, field }];
  return new ApiError(422, "Invalid", `${kind} "${name}" is invalid: ${field}: ${problem}`, { name, kind, causes });
}

/** A fault below the API, a transform that failed for instance (spec encryption-at-rest 6.2). */
export function internalError(message: string): ApiError {
  return new ApiError(500, "InternalError", `Internal error occurred: ${message}`, { causes: [{ message }] });
}

/**
 * A stored value that cannot be read, in the words of 1.37, where AllowUnsafeMalformedObjectDeletion is on (spec encryption-at-rest 6.2).
 * @param key - without the etcd prefix.
 */
export function corruptObject(key: string, cause: Failure): ApiError {
  return internalError(corruption(key, cause));
}

/**
 * A list that contains a stored value that cannot be read, as 1.37.2 answers it.
 * @param key - of the first such value, with the etcd prefix.
 */
export function unreadableList(resource: string, key: string, cause: Failure): ApiError {
  const message = corruption(key, cause);
  const causes = [{ reason: "UnexpectedServerResponse", message, field: key }];
  const details = { name: "list", kind: resource, causes };
  return new ApiError(500, "StorageReadError", `failed to read one or more ${resource} from the storage: ${message}`, details);
}

/** The watch cache has not read all objects yet. */
export function storageInitializing(): ApiError {
  return new ApiError(429, "TooManyRequests", "storage is (re)initializing", { retryAfterSeconds: 1 });
}

function corruption(key: string, cause: Failure): string {
  const detail = `data from the storage is not transformable revision=0: ${cause.message}`;
  return `StorageError: corrupt object, Code: 7, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${detail}`;
}

const modified = "the object has been modified; please apply your changes to the latest version and try again";
