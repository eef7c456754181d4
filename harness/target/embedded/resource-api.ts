import { randomInt, randomUUID } from "node:crypto";
import { z } from "zod";
import type { Clock } from "../../clock.ts";
import { ApiError, alreadyExists, badRequest, corruptObject } from "./api-error.ts";
import type { metadataInput } from "./api-object.ts";
import { mergePatch, nameOf, parseInput, requirePrecondition, wholeSeconds } from "./api-object.ts";
import type { ResourceStorage, Versioned } from "./resource-storage.ts";
import type { ResourceType } from "./resource-type.ts";
import type { CachedObject } from "./watch-cache.ts";

/** An answer in JSON. */
export interface JsonAnswer {
  readonly httpStatus: number;
  readonly body: unknown;
}

/** An answer that goes on: a line of JSON for each event. */
export interface WatchAnswer {
  /** Sends what is there and then every change, until it calls `end`, or is disposed of. */
  follow(send: (event: unknown) => void, end: () => void): Disposable;
}

/** What all handlers need of a request. */
export interface ResourceRequest {
  /** Empty for objects without a namespace, and for a list over all namespaces. */
  readonly namespace: string;
  readonly query: URLSearchParams;
  /** The parsed body; undefined where there is none. */
  readonly body: unknown;
}

const deleteOptions = z
  .object({
    dryRun: z.array(z.string()).nullish(),
    preconditions: z.object({ uid: z.string().nullish(), resourceVersion: z.string().nullish() }).nullish(),
    ignoreStoreReadErrorWithClusterBreakingPotential: z.boolean().nullish(),
  })
  .nullish();

/** How long a watch lasts that names no time, seconds (k8s.io/apiserver's MinRequestTimeout; kube-apiserver takes up to twice as long). */
const watchSecondsDefault = 1800;

const continueToken = z.object({ v: z.literal("meta.k8s.io/v1"), rv: z.number(), start: z.string() });

/** The verbs of one resource over its storage, with kube-apiserver's answers. */
export class ResourceApi<Value, Input extends { metadata?: z.infer<typeof metadataInput> }> {
  readonly #type: ResourceType<Value, Input>;
  readonly #storage: ResourceStorage<Value>;
  readonly #clock: Clock;

  constructor(type: ResourceType<Value, Input>, storage: ResourceStorage<Value>, clock: Clock) {
    this.#type = type;
    this.#storage = storage;
    this.#clock = clock;
  }

  /** @throws ApiError */
  async create({ namespace, query, body }: ResourceRequest): Promise<JsonAnswer> {
    const sent = parseInput(this.#type.input, body, this.#type.kind);
    if (sent.metadata?.resourceVersion) throw badRequest("resourceVersion should not be set on objects to be created");
    requireNamespace(sent.metadata?.namespace, namespace);
    const name = nameOf(this.#type.kind, sent.metadata, randomSuffix);
    const creationTimestamp = wholeSeconds(this.#clock.wallMs());
    const value = this.#type.create(sent, { name, namespace, uid: randomUUID(), creationTimestamp });
    const path = pathOf(namespace, name);
    if (isDryRun(query, undefined)) {
      await this.#storage.dryRun("create-dry-run", path, name);
      if (this.#storage.has(path)) throw alreadyExists(this.#type.resource, name);
      return { httpStatus: 201, body: this.#render({ value, revision: 0 }) };
    }
    return { httpStatus: 201, body: this.#render(await this.#storage.create(path, name, value)) };
  }

  /** @throws ApiError */
  async get(name: string, { namespace, query }: ResourceRequest): Promise<JsonAnswer> {
    const path = pathOf(namespace, name);
    const accepted = query.get("resourceVersion") ?? "";
    if (accepted !== "" && accepted !== "0") await this.#storage.cache.caughtUp();
    const found = accepted === "" ? await this.#storage.get(path, name) : this.#storage.getCached(path, name);
    return { httpStatus: 200, body: this.#render(found) };
  }

  /** @throws ApiError */
  async list({ namespace, query }: ResourceRequest): Promise<JsonAnswer> {
    requireModelled(query);
    const token = parseContinue(query.get("continue"));
    const limit = Number(query.get("limit") ?? 0);
    const allowOld = query.get("resourceVersion") === "0";
    const { objects, revision } = await this.#storage.list(namespace === "" ? "" : `${namespace}/`, { allowOld });
    const from = token === undefined ? objects : objects.filter(({ key }) => key > token.start);
    const page = limit > 0 ? from.slice(0, limit) : from;
    const rv = token?.rv ?? revision;
    const last = page.at(-1);
    const more = last === undefined || page.length === from.length ? {} : this.#continueAfter(last, rv, from.length - page.length);
    return {
      httpStatus: 200,
      body: {
        kind: `${this.#type.kind}List`,
        apiVersion: "v1",
        metadata: { resourceVersion: String(rv), ...more },
        items: page.map((object) => this.#type.render(object)),
      },
    };
  }

  /** What is there first, and then every change, as long as `timeoutSeconds` says. @throws ApiError */
  async watch({ namespace, query }: ResourceRequest): Promise<WatchAnswer> {
    requireModelled(query);
    const from = query.get("resourceVersion") ?? "";
    if (from !== "" && from !== "0") throw badRequest("a watch from a resourceVersion is not modelled by kmsmark's embedded API server");
    const path = namespace === "" ? "" : `${namespace}/`;
    // Fails as a list does while the cache is broken.
    await this.#storage.list(path, { allowOld: from === "0" });
    const seconds = Number(query.get("timeoutSeconds")) || watchSecondsDefault;
    return {
      follow: (send, end) => {
        const stop = new DisposableStack();
        const finish = () => {
          stop[Symbol.dispose]();
          end();
        };
        const events = (type: string, object: CachedObject<Value>) => send({ type, object: this.#render(object) });
        for (const object of this.#storage.cached(path)) events("ADDED", object);
        stop.use(
          this.#storage.cache.follow({
            onEvent: ({ type, object }) => {
              if (this.#storage.isUnder(path, object.key)) events(type, object);
            },
            onBreak: finish,
          }),
        );
        stop.use(this.#clock.startTimer(seconds * 1000, finish));
        return stop;
      },
    };
  }

  /** @throws ApiError */
  async update(name: string, request: ResourceRequest): Promise<JsonAnswer> {
    const sent = parseInput(this.#type.input, request.body, this.#type.kind);
    if (sent.metadata?.name !== name) {
      const problem = `the name of the object (${sent.metadata?.name ?? ""}) does not match the name on the URL (${name})`;
      throw badRequest(problem);
    }
    requireNamespace(sent.metadata.namespace, request.namespace);
    return this.#apply(name, request, (existing) => this.#type.update(sent, existing));
  }

  /** A merge patch (RFC 7386); a strategic merge patch means the same for the fields that are modelled. @throws ApiError */
  async patch(name: string, request: ResourceRequest): Promise<JsonAnswer> {
    return this.#apply(name, request, (existing) => {
      const merged = parseInput(this.#type.input, mergePatch(this.#render(existing), request.body), this.#type.kind);
      return this.#type.update(merged, existing);
    });
  }

  /** @throws ApiError */
  async delete(name: string, { namespace, query, body }: ResourceRequest): Promise<JsonAnswer> {
    const path = pathOf(namespace, name);
    const options = deleteOptions.safeParse(body);
    if (!options.success) throw badRequest("the body of the request is not a DeleteOptions");
    const check = ({ value, revision }: Versioned<Value>) => {
      const { uid } = this.#type.identityOf(value);
      requirePrecondition(this.#type.resource, name, options.data?.preconditions ?? {}, { uid, revision });
    };
    if (isDryRun(query, options.data?.dryRun)) {
      const existing = await this.#storage.dryRun("delete-dry-run", path, name);
      if (existing !== undefined) check(existing);
      return this.#deleted(name, existing);
    }
    const ignoresErrors = options.data?.ignoreStoreReadErrorWithClusterBreakingPotential === true;
    try {
      return this.#deleted(name, await this.#storage.delete(path, name, check));
    } catch (thrown) {
      if (!ignoresErrors || !(thrown instanceof ApiError) || thrown.httpStatus !== corruptStatus) throw thrown;
      this.#storage.removeUnread(path, name);
      return this.#deleted(name, undefined);
    }
  }

  async #apply(name: string, { namespace, query }: ResourceRequest, change: (existing: Versioned<Value>) => Value): Promise<JsonAnswer> {
    const path = pathOf(namespace, name);
    if (isDryRun(query, undefined)) {
      const existing = await this.#storage.dryRun("update-dry-run", path, name);
      if (existing === undefined) throw new TypeError("A dry run of an update reads the object.");
      return { httpStatus: 200, body: this.#render({ value: change(existing), revision: existing.revision }) };
    }
    return { httpStatus: 200, body: this.#render(await this.#storage.update(path, name, change)) };
  }

  #continueAfter(last: CachedObject<Value>, rv: number, remainingItemCount: number) {
    const token: z.infer<typeof continueToken> = { v: "meta.k8s.io/v1", rv, start: last.key };
    return { continue: Buffer.from(JSON.stringify(token)).toString("base64url"), remainingItemCount };
  }

  #render(object: Versioned<Value>): Record<string, unknown> {
    return { kind: this.#type.kind, apiVersion: "v1", ...this.#type.render(object) };
  }

  #deleted(name: string, removed: Versioned<Value> | undefined): JsonAnswer {
    const uid = removed === undefined ? {} : { uid: this.#type.identityOf(removed.value).uid };
    const details = { name, kind: this.#type.resource, ...uid };
    return { httpStatus: 200, body: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details } };
  }
}

const corruptStatus = corruptObject("", { message: "", grpcCodeName: undefined }).httpStatus;

function pathOf(namespace: string, name: string): string {
  return namespace === "" ? name : `${namespace}/${name}`;
}

function requireNamespace(sent: string | null | undefined, namespace: string): void {
  if (sent && sent !== namespace) {
    throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
  }
}

function requireModelled(query: URLSearchParams): void {
  for (const unsupported of ["labelSelector", "fieldSelector"]) {
    if ((query.get(unsupported) ?? "") !== "") throw badRequest(`${unsupported} is not modelled by kmsmark's embedded API server`);
  }
}

function isDryRun(query: URLSearchParams, option: readonly string[] | null | undefined): boolean {
  const asked = [...query.getAll("dryRun"), ...(option ?? [])];
  const unknown = asked.find((value) => value !== "All");
  if (unknown !== undefined) throw new ApiError(422, "Invalid", `dryRun: Unsupported value: "${unknown}": supported values: "All"`);
  return asked.length > 0;
}

function parseContinue(text: string | null): z.infer<typeof continueToken> | undefined {
  if (text === null || text === "") return undefined;
  try {
    return continueToken.parse(JSON.parse(Buffer.from(text, "base64url").toString()));
  } catch {
    throw badRequest("continue key is not valid: encoding is invalid");
  }
}

/** As k8s.io/apimachinery/pkg/util/rand: no vowels, nothing that looks like another. */
function randomSuffix(): string {
  const letters = "bcdfghjklmnpqrstvwxz2456789";
  return Array.from({ length: 5 }, () => letters[randomInt(letters.length)]).join("");
}
