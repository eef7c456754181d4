import { z } from "zod";
import { badRequest, conflict, invalid } from "./api-error.ts";

/** Text values by name: labels, annotations. */
export const texts = z.record(z.string(), z.string()).nullish();

/** The metadata that the model keeps of an object that a client sends; managedFields, owners and finalizers are not modelled. */
export const metadataInput = z
  .object({
    name: z.string().nullish(),
    generateName: z.string().nullish(),
    namespace: z.string().nullish(),
    uid: z.string().nullish(),
    resourceVersion: z.string().nullish(),
    labels: texts,
    annotations: texts,
  })
  .nullish();

/** Reads an object that a client sent. @throws ApiError BadRequest. */
export function parseInput<Input>(schema: z.ZodType<Input>, body: unknown, kind: string): Input {
  const typed = z.object({ kind: z.string().nullish() }).safeParse(body);
  if (!typed.success) throw badRequest(`the body of the request is not a ${kind}`);
  if (typed.data.kind != null && typed.data.kind !== "" && typed.data.kind !== kind) {
    throw badRequest(`${typed.data.kind} in version "v1" cannot be handled as a ${kind}: no kind "${typed.data.kind}" is expected here`);
  }
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  // The path of the fault only: a value may be a secret one.
  const where = parsed.error.issues.map(({ path }) => path.join(".")).join(", ");
  throw badRequest(`${kind} in version "v1" cannot be handled as a ${kind}: unexpected value at ${where}`);
}

/** The name that a new object gets. @throws ApiError Invalid. */
export function nameOf(kind: string, metadata: z.infer<typeof metadataInput>, randomSuffix: () => string): string {
  const name = metadata?.name || (metadata?.generateName ? metadata.generateName + randomSuffix() : "");
  if (name === "") throw invalid(kind, "", "metadata.name", "Required value: name or generateName is required");
  if (name.length > 253 || !subdomain.test(name)) {
    const rule =
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
    throw invalid(kind, name, "metadata.name", `Invalid value: "${name}": ${rule}`);
  }
  return name;
}

/** Holds an update or removal to the version and identity that it was made for. @throws ApiError Conflict. */
export function requirePrecondition(
  resource: string,
  name: string,
  wanted: { readonly uid?: string | null | undefined; readonly resourceVersion?: string | null | undefined },
  existing: { readonly uid: string; readonly revision: number },
): void {
  if (wanted.uid && wanted.uid !== existing.uid) {
    throw conflict(resource, name, `Precondition failed: UID in precondition: ${wanted.uid}, UID in object meta: ${existing.uid}`);
  }
  if (wanted.resourceVersion && wanted.resourceVersion !== String(existing.revision)) throw conflict(resource, name);
}

/** RFC 7386: null removes, objects merge, everything else replaces. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const merged: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}

/** A map's entries as JSON, or nothing where there are none, as Go's omitempty has it. */
export function recordOf(map: ReadonlyMap<string, string>): Record<string, string> | undefined {
  return map.size === 0 ? undefined : Object.fromEntries(map);
}

/** `2026-01-31T12:00:00Z`. */
export function wholeSeconds(wallMs: number): string {
  return `${new Date(wallMs).toISOString().slice(0, 19)}Z`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
