import { randomBytes } from "node:crypto";
import { parseStoredValue, type StoredValue } from "../../harness/envelope/index.ts";
import type { ApiAnswer } from "../../harness/load/api-answer.ts";
import { type ApiRequest, SecretsClient } from "../../harness/load/api-client.ts";
import { type Metrics, parseMetrics } from "../../harness/load/metrics.ts";
import type { EncryptionFile } from "../../harness/target/encryption-configuration.ts";
import type { ControlPlane, Store } from "../../harness/target/target.ts";

/** More series than those of encryption: what checks of the storage path look at. */
const metricPrefixes = ["apiserver_storage_", "apiserver_envelope_encryption_", "apiserver_encryption_config_controller_"];

/** What a request may be besides its method and object. */
export interface SecretQuery {
  /** `0`: from the watch cache. */
  readonly resourceVersion?: string;
  readonly dryRun?: boolean;
}

/**
 * A control plane as checks see it, through the five observers of spec encryption-at-rest section 8: the API, etcd, metrics and health here, and
 * the plugin's log in its ScriptedKms. All Secrets lie in {@link namespace}, unless another is named.
 */
export class TestServer implements AsyncDisposable {
  readonly plane: ControlPlane;
  readonly signal: AbortSignal;
  readonly #client: SecretsClient;
  #namespace = "";

  constructor(plane: ControlPlane, signal: AbortSignal) {
    this.plane = plane;
    this.signal = signal;
    this.#client = new SecretsClient({ api: plane.api, connections: 16 });
  }

  get namespace(): string {
    return this.#namespace;
  }

  /** The stored values; checks that need them have the need `store`. */
  get store(): Store {
    const { store } = this.plane;
    if (store === undefined) throw new Error("The need of this check was not declared.");
    return store;
  }

  /** Goes on in a namespace that nobody used before. */
  async newNamespace(): Promise<void> {
    this.#namespace = `check-${randomBytes(5).toString("hex")}`;
    await this.succeed(this.#client.createNamespace(this.#namespace, this.signal));
  }

  /** Any request; an answer of any status is an answer. Rejects with a TargetError only where none comes. */
  request(request: ApiRequest): Promise<ApiAnswer> {
    return this.#client.request({ signal: this.signal, ...request });
  }

  /** POST of a Secret of this name with one key `value`. */
  create(name: string, value: string | Uint8Array, query: SecretQuery = {}): Promise<ApiAnswer> {
    return this.request({ method: "POST", path: `${this.path()}${queryOf(query)}`, body: bodyOf(this.#namespace, name, value) });
  }

  get(name: string, query: SecretQuery = {}): Promise<ApiAnswer> {
    return this.request({ method: "GET", path: `${this.path(name)}${queryOf(query)}` });
  }

  /** All Secrets of the namespace. */
  list(query: SecretQuery = {}): Promise<ApiAnswer> {
    return this.request({ method: "GET", path: `${this.path()}${queryOf(query)}` });
  }

  /** Follows the Secrets of the namespace, those that are there first, until the API server ends it after so many seconds. */
  watch(seconds: number): Promise<ApiAnswer> {
    return this.request({ method: "GET", path: `${this.path()}?watch=true&timeoutSeconds=${seconds}` });
  }

  /** PUT with another value, whatever resourceVersion it has. */
  update(name: string, value: string | Uint8Array): Promise<ApiAnswer> {
    return this.request({ method: "PUT", path: this.path(name), body: bodyOf(this.#namespace, name, value) });
  }

  /** Reads it and puts back exactly what was read. Gives the answer to the PUT, or to the GET if that failed. */
  async replaceUnchanged(name: string): Promise<ApiAnswer> {
    const read = await this.get(name);
    return read.failure === undefined ? this.request({ method: "PUT", path: this.path(name), body: read.body }) : read;
  }

  delete(name: string): Promise<ApiAnswer> {
    return this.request({ method: "DELETE", path: this.path(name) });
  }

  /** The API path of the namespace's Secrets, or of one of them. */
  path(name?: string): string {
    return `/api/v1/namespaces/${this.#namespace}/secrets${name === undefined ? "" : `/${name}`}`;
  }

  /** The etcd key of a Secret. */
  keyOf(name: string, namespace = this.#namespace): string {
    return `${this.plane.etcdPrefix}/secrets/${namespace}/${name}`;
  }

  /** The bytes that etcd holds of a Secret, whatever they are, and their revision. @throws Error where there is nothing. */
  async raw(name: string): Promise<{ readonly bytes: Uint8Array; readonly modRevision: number }> {
    const found = await this.store.get(this.keyOf(name), this.signal);
    if (found === undefined) throw new Error(`The store has no ${this.keyOf(name)}.`);
    return { bytes: found.value, modRevision: found.modRevision };
  }

  /** What etcd holds of a Secret, and its revision. @throws Error where there is nothing, or nothing that has the form of a stored value. */
  async stored(name: string): Promise<{ readonly bytes: Uint8Array; readonly modRevision: number; readonly value: StoredValue }> {
    const raw = await this.raw(name);
    return { ...raw, value: parseStoredValue(raw.bytes) };
  }

  /** The server's own counters of encryption and storage. */
  async metrics(): Promise<Metrics> {
    return parseMetrics(await this.#client.metrics(this.signal), metricPrefixes);
  }

  /** `/healthz/kms-provider-0`: the status and the text. */
  async health(path: string): Promise<{ readonly status: number; readonly text: string }> {
    const answer = await this.request({ method: "GET", path });
    return { status: answer.status, text: answer.text() };
  }

  /** Stops and starts the API server over the same store, and waits until it is ready. */
  async restart(change?: { readonly encryption?: EncryptionFile }): Promise<void> {
    await this.plane.stopApiServer();
    await this.plane.startApiServer(change);
  }

  /** The answer, which has to be one of success. @throws Error with the API server's words otherwise. */
  async succeed(answer: Promise<ApiAnswer>): Promise<ApiAnswer> {
    const got = await answer;
    if (got.failure !== undefined) throw new Error(`The API server refused what a check needs: ${got.status} ${got.failure}`);
    return got;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
  }
}

function queryOf({ resourceVersion, dryRun }: SecretQuery): string {
  const query = new URLSearchParams();
  if (resourceVersion !== undefined) query.set("resourceVersion", resourceVersion);
  if (dryRun === true) query.set("dryRun", "All");
  return query.size === 0 ? "" : `?${query}`;
}

function bodyOf(namespace: string, name: string, value: string | Uint8Array): Uint8Array {
  const data = { value: Buffer.from(value).toString("base64") };
  return Buffer.from(JSON.stringify({ apiVersion: "v1", kind: "Secret", metadata: { namespace, name }, type: "Opaque", data }));
}
