import { randomBytes, randomUUID } from "node:crypto";
import { z } from "zod";
import { newKeyId } from "./ids.ts";
import { CloudError, type CloudKey, type CloudKeys } from "./service.ts";

const versionSchema = z.strictObject({
  id: z.string(),
  createdMs: z.number(),
  /** 256 bits, base64; versions of keys that this cloud cannot use have none. */
  material: z.string().optional(),
});
const keySchema = z.strictObject({
  id: z.string(),
  spec: z.string(),
  usage: z.string(),
  origin: z.enum(["Aliyun_KMS", "EXTERNAL"]),
  protectionLevel: z.enum(["SOFTWARE", "HSM"]),
  description: z.string(),
  creator: z.string(),
  createdMs: z.number(),
  state: z.enum(["Enabled", "Disabled", "PendingDeletion", "PendingImport"]),
  deleteMs: z.number().optional(),
  /** `everyMs` of automatic rotation, and since when it has been at work. */
  rotation: z.strictObject({ everyMs: z.number(), activeSinceMs: z.number() }).optional(),
  deletionProtection: z.boolean(),
  deletionProtectionDescription: z.string(),
  tags: z.record(z.string(), z.string()),
  /** Oldest first; the last one is the primary. */
  versions: z.array(versionSchema),
});
export const keysStateSchema = z.strictObject({
  /** By how much the calendar of the keys is ahead of the clock. */
  aheadMs: z.number(),
  keys: z.array(keySchema),
  /** The ids by the aliases' names. */
  aliases: z.record(z.string(), z.string()),
});

export type KeyRecord = z.infer<typeof keySchema>;
export type KeyVersionRecord = z.infer<typeof versionSchema>;

/** The keys that can encrypt and decrypt here, and may be rotated. */
export const symmetricSpec = "Aliyun_AES_256";

/**
 * The keys of one account in one region. Their calendar follows the clock and can be advanced in tests; whatever has fallen due, a rotation
 * or a deletion, is done when a key is next asked for.
 */
export class KeyStore implements CloudKeys {
  readonly #keys = new Map<string, KeyRecord>();
  readonly #byVersion = new Map<string, KeyRecord>();
  readonly #aliases = new Map<string, string>();
  readonly #scope: string;
  readonly #now: () => number;
  #aheadMs = 0;
  #isDirty = false;

  constructor(region: string, accountId: string, now: () => number) {
    this.#scope = `acs:kms:${region}:${accountId}`;
    this.#now = now;
  }

  nowMs(): number {
    return this.#now() + this.#aheadMs;
  }

  /** Moves the calendar of the keys on, and nothing else: sessions, signatures and events stay with the clock. */
  advance(ms: number): void {
    this.#aheadMs += ms;
    this.#isDirty = true;
  }

  /** Whether something changed since it was last asked. */
  takeDirty(): boolean {
    const isDirty = this.#isDirty;
    this.#isDirty = false;
    return isDirty;
  }

  arnOf(key: Pick<KeyRecord, "id">): string {
    return `${this.#scope}:key/${key.id}`;
  }

  aliasArn(name: string): string {
    return `${this.#scope}:${name}`;
  }

  /** The resource of operations that concern no single key. */
  get container(): string {
    return `${this.#scope}:key`;
  }

  /** The ARN that a request means, of a key that need not exist, by which the caller's right is judged before it learns whether it does. */
  arnMeantBy(keyId: string): string {
    const key = this.#resolve(keyId);
    if (key !== undefined) return this.arnOf(key);
    return keyId.startsWith("acs:kms:") ? keyId : `${this.#scope}:${keyId.startsWith("alias/") ? keyId : `key/${keyId}`}`;
  }

  /** By id, alias or ARN of either. @throws CloudError 404. */
  get(keyId: string): KeyRecord {
    const key = this.#resolve(keyId);
    if (key === undefined) {
      const isAlias = keyId.startsWith("alias/") && !this.#aliases.has(keyId);
      throw isAlias ? aliasNotFound() : new CloudError(404, "Forbidden.KeyNotFound", "The specified Key is not found.");
    }
    return key;
  }

  /** The key that has the version, or undefined. */
  keyOfVersion(versionId: string): KeyRecord | undefined {
    const key = this.#byVersion.get(versionId);
    return key === undefined ? undefined : this.#settle(key);
  }

  #resolve(keyId: string): KeyRecord | undefined {
    const local = keyId.startsWith(`${this.#scope}:`) ? keyId.slice(this.#scope.length + 1) : keyId;
    const id = local.startsWith("alias/") ? this.#aliases.get(local) : local === keyId ? keyId : local.replace(/^key\//, "");
    const key = id === undefined ? undefined : this.#keys.get(id);
    return key === undefined ? undefined : this.#settle(key);
  }

  get all(): readonly KeyRecord[] {
    return [...this.#keys.values()].flatMap((key) => this.#settle(key) ?? []);
  }

  create(given: Pick<KeyRecord, "spec" | "usage" | "origin" | "protectionLevel" | "description" | "creator" | "tags">): KeyRecord {
    const nowMs = this.nowMs();
    const key: KeyRecord = {
      ...given,
      id: newKeyId(),
      createdMs: nowMs,
      state: given.origin === "EXTERNAL" ? "PendingImport" : "Enabled",
      deletionProtection: false,
      deletionProtectionDescription: "",
      versions: [],
    };
    this.#keys.set(key.id, key);
    this.#addVersion(key, nowMs);
    return key;
  }

  /** Adds a version, which is the primary from then on. */
  rotate(keyId: string): KeyVersionRecord {
    return this.#addVersion(this.get(keyId), this.nowMs());
  }

  #addVersion(key: KeyRecord, createdMs: number): KeyVersionRecord {
    const isUsable = key.spec === symmetricSpec && key.origin === "Aliyun_KMS";
    const version = { id: randomUUID(), createdMs, ...(isUsable ? { material: randomBytes(32).toString("base64") } : {}) };
    key.versions.push(version);
    this.#byVersion.set(version.id, key);
    this.#isDirty = true;
    return version;
  }

  primary(key: KeyRecord): KeyVersionRecord {
    const version = key.versions.at(-1);
    if (version === undefined) throw new RangeError("A key has at least one version.");
    return version;
  }

  /** Does what has fallen due. Undefined where the key is gone by now. */
  #settle(key: KeyRecord): KeyRecord | undefined {
    const nowMs = this.nowMs();
    if (key.state === "PendingDeletion" && key.deleteMs !== undefined && key.deleteMs <= nowMs) {
      this.#forget(key);
      return undefined;
    }
    for (let dueMs = this.nextRotationMs(key); dueMs !== undefined && dueMs <= nowMs; dueMs = this.nextRotationMs(key)) {
      this.#addVersion(key, dueMs);
    }
    return key;
  }

  #forget(key: KeyRecord): void {
    this.#keys.delete(key.id);
    for (const { id } of key.versions) this.#byVersion.delete(id);
    for (const [alias, id] of this.#aliases) if (id === key.id) this.#aliases.delete(alias);
    this.#isDirty = true;
  }

  /** Last rotation and interval; where that is past when rotation begins, it rotates at once (spec alibaba-cloud 1.3). */
  nextRotationMs(key: KeyRecord): number | undefined {
    if (key.rotation === undefined || key.state !== "Enabled") return undefined;
    return Math.max(this.primary(key).createdMs + key.rotation.everyMs, key.rotation.activeSinceMs);
  }

  /** @param everyMs - undefined: no automatic rotation. */
  setRotation(key: KeyRecord, everyMs: number | undefined): void {
    if (everyMs === undefined) delete key.rotation;
    else key.rotation = { everyMs, activeSinceMs: this.nowMs() };
    this.#isDirty = true;
  }

  setState(key: KeyRecord, state: "Enabled" | "Disabled" | "PendingImport"): void {
    if (state === "Enabled" && key.state !== "Enabled" && key.rotation !== undefined) key.rotation.activeSinceMs = this.nowMs();
    key.state = state;
    delete key.deleteMs;
    this.#isDirty = true;
  }

  scheduleDeletion(key: KeyRecord, afterMs: number): void {
    key.state = "PendingDeletion";
    key.deleteMs = this.nowMs() + afterMs;
    this.#isDirty = true;
  }

  describe(key: KeyRecord, description: string): void {
    key.description = description;
    this.#isDirty = true;
  }

  setDeletionProtection(keyId: string, enabled: boolean, description: string): void {
    const key = this.get(keyId);
    key.deletionProtection = enabled;
    key.deletionProtectionDescription = enabled ? description : "";
    this.#isDirty = true;
  }

  find(keyId: string): CloudKey | undefined {
    const key = this.#resolve(keyId);
    if (key === undefined) return undefined;
    return {
      keyId: key.id,
      arn: this.arnOf(key),
      keySpec: key.spec,
      keyUsage: key.usage,
      creator: key.creator,
      keyState: key.state,
      primaryKeyVersion: this.primary(key).id,
      deletionProtection: key.deletionProtection,
      tags: key.tags,
    };
  }

  /** @throws CloudError 400 AliasAlreadyExists. */
  createAlias(name: string, key: KeyRecord): void {
    if (this.#aliases.has(name)) throw new CloudError(400, "AliasAlreadyExists", "The specified Alias already exists.");
    this.#aliases.set(name, key.id);
    this.#isDirty = true;
  }

  /** @throws CloudError 404. */
  updateAlias(name: string, key: KeyRecord): void {
    if (!this.#aliases.has(name)) throw aliasNotFound();
    this.#aliases.set(name, key.id);
    this.#isDirty = true;
  }

  /** @throws CloudError 404. */
  deleteAlias(name: string): void {
    if (!this.#aliases.delete(name)) throw aliasNotFound();
    this.#isDirty = true;
  }

  get aliases(): readonly { readonly name: string; readonly keyId: string }[] {
    return [...this.#aliases].map(([name, keyId]) => ({ name, keyId }));
  }

  save(): z.infer<typeof keysStateSchema> {
    return { aheadMs: this.#aheadMs, keys: [...this.#keys.values()], aliases: Object.fromEntries(this.#aliases) };
  }

  load({ aheadMs, keys, aliases }: z.infer<typeof keysStateSchema>): void {
    this.#aheadMs = aheadMs;
    for (const key of keys) {
      this.#keys.set(key.id, key);
      for (const { id } of key.versions) this.#byVersion.set(id, key);
    }
    for (const [name, id] of Object.entries(aliases)) this.#aliases.set(name, id);
  }
}

const aliasNotFound = () => new CloudError(404, "Forbidden.AliasNotFound", "The specified Alias is not found.");
