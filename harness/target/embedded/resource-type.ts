import type { z } from "zod";
import type { Codec, Versioned } from "./resource-storage.ts";

/** What an object gets from the server when it is created. */
export interface NewIdentity {
  readonly name: string;
  /** Empty for objects without a namespace. */
  readonly namespace: string;
  readonly uid: string;
  /** RFC 3339 in whole seconds of UTC. */
  readonly creationTimestamp: string;
}

/** One resource of the API: how its objects are sent, stored and shown. */
export interface ResourceType<Value, Input> {
  readonly resource: string;
  readonly kind: string;
  readonly input: z.ZodType<Input>;
  readonly codec: Codec<Value>;
  /** @throws ApiError Invalid. */
  create(sent: Input, identity: NewIdentity): Value;
  /** @throws ApiError Conflict or Invalid. */
  update(sent: Input, existing: Versioned<Value>): Value;
  /** The object as JSON, without kind and apiVersion. */
  render(object: Versioned<Value>): Record<string, unknown>;
  identityOf(value: Value): { readonly name: string; readonly uid: string };
}
