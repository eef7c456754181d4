import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { KmsCallError, type KmsVersion, type StatusResponse, type VersionResponse } from "../../harness/kms/contract.ts";

export type Annotations = ReadonlyMap<string, Uint8Array>;

/** What a ciphertext is bound to; KMS v1 has nothing of it. */
export interface Binding {
  readonly kms: KmsVersion;
  readonly keyId: string;
  readonly annotations: Annotations;
  readonly uid: string;
}

/** A call that has come in. */
export interface IncomingCall {
  readonly kms: KmsVersion;
  readonly method: "Status" | "Version" | "Encrypt" | "Decrypt";
  readonly authority: string;
  /** The plaintext or the ciphertext; empty where there is none. */
  readonly payload: Uint8Array;
  /** Aborts when the caller has given up. */
  readonly signal: AbortSignal;
}

const invalidArgument = 3;
const nameBytes = 8;
const nonceBytes = 12;
const tagBytes = 16;

export function refuse(message: string): never {
  throw new KmsCallError(invalidArgument, message);
}

/**
 * A small KMS plugin that does everything right: AES-256-GCM under key versions in memory, annotations, rotation. Its parts are fields, so that
 * a defect can exchange one and leave the others.
 */
export class HealthyPlugin {
  /** By name in hex; the newest is last. */
  readonly keys = new Map<string, Buffer>();
  /** How often it was started. */
  starts = 1;

  constructor() {
    this.addKey();
  }

  addKey = (): void => {
    this.keys.set(randomBytes(nameBytes).toString("hex"), randomBytes(32));
  };

  /** The name of the key that encrypts. */
  current = (): string => [...this.keys.keys()].at(-1) ?? "";
  keyId = (): string => this.current();
  annotations = (_plaintext: Uint8Array): Annotations => new Map([["key-version.kms.kmsmark.test", Buffer.from(this.current())]]);
  status = (): StatusResponse => ({ version: "v2", healthz: "ok", keyId: this.keyId() });
  /** What Encrypt says instead of {@link keyId}. */
  encryptKeyId = (): string => this.keyId();
  version = (): VersionResponse => ({ version: "v1beta1", runtimeName: "defective-plugin", runtimeVersion: "1.0.0" });

  /** What is authenticated with a ciphertext. */
  bound = ({ kms, keyId, annotations }: Binding): Buffer =>
    kms === "v1"
      ? Buffer.from("v1")
      : Buffer.from(JSON.stringify([keyId, ...[...annotations].map(([key, value]) => [key, Buffer.from(value).toString("hex")]).sort()]));

  nonce = (): Buffer => randomBytes(nonceBytes);

  /** The key's name ‖ nonce ‖ ciphertext ‖ tag. */
  seal = (plaintext: Uint8Array, binding: Binding): Uint8Array => {
    const name = this.current();
    const nonce = this.nonce();
    const cipher = createCipheriv("aes-256-gcm", this.keyOf(name), nonce).setAAD(this.bound(binding));
    return Buffer.concat([Buffer.from(name, "hex"), nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  };

  open = (ciphertext: Uint8Array, binding: Binding): Uint8Array => {
    const bytes = Buffer.from(ciphertext);
    if (bytes.length < nameBytes + nonceBytes + tagBytes) refuse("the ciphertext is too short");
    const name = bytes.subarray(0, nameBytes).toString("hex");
    if (binding.kms === "v2" && !this.namesKey(binding.keyId, name)) refuse("the key_id names another key");
    const decipher = createDecipheriv("aes-256-gcm", this.keyOf(name), bytes.subarray(nameBytes, nameBytes + nonceBytes))
      .setAAD(this.bound(binding))
      .setAuthTag(bytes.subarray(-tagBytes));
    try {
      return Buffer.concat([decipher.update(bytes.subarray(nameBytes + nonceBytes, -tagBytes)), decipher.final()]);
    } catch {
      return refuse("the ciphertext is not authentic");
    }
  };

  /** Whether a key_id is that of the key of this name. */
  namesKey = (keyId: string, name: string): boolean => keyId === name;
  /** Comes before every call; may throw, wait, or never end. */
  before = async (_call: IncomingCall): Promise<void> => {};
  /** Comes between the work and the answer. */
  after = async (answer: Uint8Array): Promise<Uint8Array> => answer;
  rotate = (): void => this.addKey();
  restarted = (): void => {};
  /** Ends the process, as far as callers can see. */
  die: () => void = () => {};
  /** Ends it and has another take its place at once, as a supervisor does: callers see their connections break off. */
  dieAndReturn: () => void = () => {};
  socketMode = 0o600;
  /** How many connections it takes in its life. */
  connectionsMax = Number.POSITIVE_INFINITY;
  /** What is done with bytes that are no request. */
  toleratesMalformed = false;
  refusesUnknownFields = false;
  answersUnknownMethods = false;

  keyOf(name: string): Buffer {
    return this.keys.get(name) ?? refuse("there is no such key");
  }
}
