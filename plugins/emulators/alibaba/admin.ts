import type { Clock } from "../../../harness/clock.ts";
import { type CloudFaults, parseCloudFault } from "./faults.ts";
import { type KeyStore, symmetricSpec } from "./key-store.ts";
import type { RamStore } from "./ram-store.ts";
import type { CloudKey } from "./service.ts";
import type { SessionStore } from "./sessions.ts";

/** An access key of the account or of a RAM user, or the credentials of a session. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly securityToken?: string;
}

/** A policy that a user or role is given: a system policy's name, or a custom policy's document. */
export type GivenPolicy = string | { readonly name: string; readonly document: object };

/** What tests may do to the cloud that the real one lets nobody do, or only by many calls. */
export interface CloudAdmin {
  /** A new primary version of a key that the real KMS would only rotate by its calendar; returns its id. */
  rotateKey(keyId: string): string;
  /**
   * A key as the account itself makes it: Aliyun_AES_256 for ENCRYPT/DECRYPT, unless said otherwise. With the name of a service as creator it is one that
   * the service manages.
   */
  createKey(given?: {
    readonly alias?: string;
    readonly spec?: string;
    readonly usage?: string;
    readonly everyMs?: number;
    readonly creator?: string;
  }): CloudKey;
  /** Without regard to what the state matrix allows. */
  setKeyState(keyId: string, state: "Enabled" | "Disabled" | "PendingImport"): void;
  /** Schedules the deletion `ms` from now, however soon. */
  deleteKeyAfter(keyId: string, ms: number): void;
  /** Moves the calendar of the keys on: rotations and deletions. Signatures, sessions and events stay with the clock. */
  advance(ms: number): void;
  createUser(name: string, policies: readonly GivenPolicy[]): Credentials;
  /** The first access key of a user that may be there. */
  accessKeyOf(userName: string): Credentials | undefined;
  /** @param trust - the trust policy's document. */
  createRole(name: string, trust: object, policies: readonly GivenPolicy[]): void;
  /** All sessions that are open end now. */
  expireSessions(): void;
  /** `Encrypt:latency=20ms`; see docs/emulators.md. @throws UsageError `bad-fault`. */
  addFault(text: string): void;
  clearFaults(): void;
}

export interface AdminParts {
  readonly ram: RamStore;
  readonly sessions: SessionStore;
  readonly keys: KeyStore;
  readonly faults: CloudFaults;
  readonly clock: Clock;
  /** Has the state written some time soon. */
  readonly touched: () => void;
}

export function createAdmin({ ram, sessions, keys, faults, clock, touched }: AdminParts): CloudAdmin {
  const attach = (kind: "User" | "Role", name: string, policies: readonly GivenPolicy[]) => {
    for (const policy of policies) {
      const isSystem = typeof policy === "string";
      if (!isSystem) ram.createPolicy(policy.name, "", JSON.stringify(policy.document));
      const attachment = isSystem ? { type: "System" as const, name: policy } : { type: "Custom" as const, name: policy.name };
      ram.attach(kind === "User" ? ram.user(name) : ram.role(name), kind, attachment);
    }
  };
  const admin: CloudAdmin = {
    rotateKey: (keyId) => keys.rotate(keyId).id,
    createKey({ alias, spec = symmetricSpec, usage = "ENCRYPT/DECRYPT", everyMs, creator = ram.accountId } = {}) {
      const made = { origin: "Aliyun_KMS", protectionLevel: "SOFTWARE", description: "", creator, tags: {} } as const;
      const record = keys.create({ spec, usage, ...made });
      if (everyMs !== undefined) keys.setRotation(record, everyMs);
      if (alias !== undefined) keys.createAlias(alias, record);
      const key = keys.find(record.id);
      if (key === undefined) throw new TypeError("A key that was just made is there.");
      return key;
    },
    setKeyState: (keyId, state) => keys.setState(keys.get(keyId), state),
    deleteKeyAfter: (keyId, ms) => keys.scheduleDeletion(keys.get(keyId), ms),
    advance: (ms) => keys.advance(ms),
    createUser(name, policies) {
      ram.createUser(name, "");
      attach("User", name, policies);
      const { id: accessKeyId, secret: accessKeySecret } = ram.createAccessKey(name);
      return { accessKeyId, accessKeySecret };
    },
    accessKeyOf(userName) {
      const [key] = ram.accessKeysOf(userName);
      return key === undefined ? undefined : { accessKeyId: key.id, accessKeySecret: key.secret };
    },
    createRole(name, trust, policies) {
      ram.createRole({ name, description: "", trust: JSON.stringify(trust), maxSessionSeconds: 3600 });
      attach("Role", name, policies);
    },
    expireSessions: () => sessions.expireAll(),
    addFault: (text) => faults.add(parseCloudFault(text), clock.monotonicMs()),
    clearFaults: () => faults.clear(),
  };
  return keptAfter(admin, touched);
}

/** Every hook may have changed the state. */
function keptAfter(admin: CloudAdmin, touched: () => void): CloudAdmin {
  const after =
    <Given extends unknown[], Result>(hook: (...given: Given) => Result) =>
    (...given: Given): Result => {
      const result = hook(...given);
      touched();
      return result;
    };
  return {
    rotateKey: after(admin.rotateKey),
    createKey: after(admin.createKey),
    setKeyState: after(admin.setKeyState),
    deleteKeyAfter: after(admin.deleteKeyAfter),
    advance: after(admin.advance),
    createUser: after(admin.createUser),
    accessKeyOf: admin.accessKeyOf,
    createRole: after(admin.createRole),
    expireSessions: after(admin.expireSessions),
    addFault: admin.addFault,
    clearFaults: admin.clearFaults,
  };
}
