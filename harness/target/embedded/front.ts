import { timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { Socket } from "node:net";
import { messageOf } from "../../errors.ts";
import { ApiError, badRequest, forbidden, internalError, notFound } from "./api-error.ts";
import type { ApiServer } from "./api-server.ts";
import { configMaps } from "./config-map-resource.ts";
import { answerHealth } from "./health.ts";
import { namespaces } from "./namespace-resource.ts";
import { type JsonAnswer, ResourceApi, type ResourceRequest, type WatchAnswer } from "./resource-api.ts";
import { secrets } from "./secret-resource.ts";

/** The largest request body, bytes (k8s.io/apiserver's MaxRequestBodyBytes). */
const bodyMaxBytes = 3 * 1024 * 1024;
/** Longer than clients keep an idle connection, so that it is they who close it. */
const keepAliveMs = 90_000;

/** Turns of the event loop in which a client in this process reads the end of its connections. */
const turnsUntilKnown = 3;

/** The version that the model models, marked so that nobody takes it for kube-apiserver. */
const versionInfo = { major: "1", minor: "37", gitVersion: "v1.37.2+kmsmark.model", platform: "embedded" };

/** What the front is served with. */
export interface FrontParts {
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly token: string;
  log(line: string): void;
}

/** The HTTPS front of the embedded API server. It keeps its port while one API server is exchanged for another. */
export class Front implements AsyncDisposable {
  readonly #parts: FrontParts;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #apiServer: ApiServer | undefined;

  private constructor(parts: FrontParts) {
    this.#parts = parts;
    this.#server = createServer({ cert: parts.certificatePem, key: parts.keyPem, keepAliveTimeout: keepAliveMs }, (request, response) => {
      void this.#serve(request, response);
    });
    this.#server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
  }

  /** Listens on a free port of 127.0.0.1; without an API server every connection is cut. */
  static async listen(parts: FrontParts): Promise<Front> {
    const front = new Front(parts);
    front.#server.listen(0, "127.0.0.1");
    await once(front.#server, "listening");
    return front;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new TypeError("The front listens on a TCP port.");
    return address.port;
  }

  /** From now on this API server answers. */
  attach(apiServer: ApiServer): void {
    this.#apiServer = apiServer;
  }

  /**
   * Nobody answers any more, and every connection is cut, as when a process ends. Resolves when a client in this process knows it, so that it
   * does not send its next request into a connection that is gone: a process takes long enough to start, this one does not.
   */
  async detach(): Promise<void> {
    this.#apiServer = undefined;
    const closed = [...this.#sockets].map((socket) => once(socket, "close"));
    this.#server.closeAllConnections();
    await Promise.all(closed);
    for (let turn = 0; turn < turnsUntilKnown; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#apiServer = undefined;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const apiServer = this.#apiServer;
    if (apiServer === undefined) {
      request.destroy();
      return;
    }
    try {
      await this.#answer(apiServer, request, response);
    } catch (thrown) {
      if (!(thrown instanceof ApiError)) this.#parts.log(`${request.method} failed: ${messageOf(thrown)}`);
      const problem = thrown instanceof ApiError ? thrown : internalError(messageOf(thrown));
      sendJson(response, { httpStatus: problem.httpStatus, body: problem.toStatus() });
    }
  }

  async #answer(apiServer: ApiServer, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "https://127.0.0.1");
    const health = await answerHealth(apiServer, url);
    if (health !== undefined) return sendText(response, health.httpStatus, health.text);
    if (url.pathname === "/version") return sendJson(response, { httpStatus: 200, body: versionInfo });
    this.#requireToken(request);
    if (url.pathname === "/metrics") return sendText(response, 200, await apiServer.metrics.render(), "text/plain; version=0.0.4");
    const discovered = discovery[url.pathname];
    if (discovered !== undefined) return sendJson(response, { httpStatus: 200, body: discovered });
    const route = routeOf(url.pathname);
    if (route === undefined) return sendText(response, 404, "404 page not found\n");
    const body = await readJson(request);
    const answer = await handle(apiServer, request, route, { namespace: route.namespace, query: url.searchParams, body });
    if ("follow" in answer) sendEvents(response, answer);
    else sendJson(response, answer);
  }

  #requireToken(request: IncomingMessage): void {
    const given = Buffer.from(request.headers.authorization ?? "");
    const wanted = Buffer.from(`Bearer ${this.#parts.token}`);
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) throw new ApiError(401, "Unauthorized", "Unauthorized");
  }
}

const namespacedResources = ["secrets", "configmaps"] as const;
type NamespacedResource = (typeof namespacedResources)[number];

interface Route {
  readonly resource: NamespacedResource | "namespaces";
  readonly namespace: string;
  /** Empty for the collection. */
  readonly name: string;
}

function routeOf(path: string): Route | undefined {
  const parts = path.split("/").map(decodeURIComponent);
  if (parts[0] !== "" || parts[1] !== "api" || parts[2] !== "v1") return undefined;
  const [first = "", second = "", third = "", fourth = "", ...more] = parts.slice(3);
  if (more.length > 0) return undefined;
  const named = (name: string) => namespacedResources.find((resource) => resource === name);
  const all = named(first);
  if (all !== undefined && second === "") return { resource: all, namespace: "", name: "" };
  if (first !== "namespaces") return undefined;
  if (third === "") return { resource: "namespaces", namespace: "", name: second };
  const resource = named(third);
  return resource && { resource, namespace: second, name: fourth };
}

async function handle(
  apiServer: ApiServer,
  request: IncomingMessage,
  route: Route,
  content: ResourceRequest,
): Promise<JsonAnswer | WatchAnswer> {
  const { clock } = apiServer;
  if (route.resource !== "namespaces") {
    if (request.method === "POST") requireLiving(apiServer, route.namespace, route.resource);
    return route.resource === "secrets"
      ? dispatch(new ResourceApi(secrets, apiServer.secrets, clock), request, route, content)
      : dispatch(new ResourceApi(configMaps, apiServer.configMaps, clock), request, route, content);
  }
  if (request.method === "DELETE" && route.name !== "") return terminate(apiServer, route.name);
  return dispatch(new ResourceApi(namespaces, apiServer.namespaces, clock), request, route, content);
}

interface Verbs {
  create(content: ResourceRequest): Promise<JsonAnswer>;
  get(name: string, content: ResourceRequest): Promise<JsonAnswer>;
  list(content: ResourceRequest): Promise<JsonAnswer>;
  watch(content: ResourceRequest): Promise<WatchAnswer>;
  update(name: string, content: ResourceRequest): Promise<JsonAnswer>;
  patch(name: string, content: ResourceRequest): Promise<JsonAnswer>;
  delete(name: string, content: ResourceRequest): Promise<JsonAnswer>;
}

function dispatch(
  api: Verbs,
  request: IncomingMessage,
  { resource, namespace, name }: Route,
  content: ResourceRequest,
): Promise<JsonAnswer | WatchAnswer> {
  const isCollection = name === "";
  switch (request.method) {
    case "GET":
      if (!isCollection) return api.get(name, content);
      return ["true", "1"].includes(content.query.get("watch") ?? "") ? api.watch(content) : api.list(content);
    case "POST":
      if (isCollection && (resource === "namespaces" || namespace !== "")) return api.create(content);
      break;
    case "PUT":
      if (!isCollection) return api.update(name, content);
      break;
    case "PATCH":
      if (!isCollection) {
        requirePatchType(request);
        return api.patch(name, content);
      }
      break;
    case "DELETE":
      if (!isCollection) return api.delete(name, content);
  }
  throw new ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
}

function requirePatchType(request: IncomingMessage): void {
  const type = (request.headers["content-type"] ?? "").split(";", 1).join();
  if (type === "application/merge-patch+json" || type === "application/strategic-merge-patch+json") return;
  const accepted = "application/merge-patch+json, application/strategic-merge-patch+json";
  throw new ApiError(
    415,
    "UnsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: ${accepted}`,
  );
}

/** Nothing is created in a namespace that is not there or is being removed (admission plugin NamespaceLifecycle, from its cache). */
function requireLiving(apiServer: ApiServer, namespace: string, resource: NamespacedResource): void {
  if (namespace === "") return;
  const found = apiServer.namespaces.cache.get(`/registry/namespaces/${namespace}`);
  if (found === undefined) throw notFound("namespaces", namespace);
  if (found.value.metadata.deletionTimestamp === undefined) return;
  throw forbidden(resource, "", `unable to create new content in namespace ${namespace} because it is being terminated`);
}

/** Without a controller manager a namespace that is deleted stays, Terminating. */
async function terminate(apiServer: ApiServer, name: string): Promise<JsonAnswer> {
  const deletionTimestamp = new Date(apiServer.clock.wallMs()).toISOString().replace(/\.\d+Z$/, "Z");
  const removed = await apiServer.namespaces.update(name, name, ({ value }) => ({
    metadata: { ...value.metadata, deletionTimestamp: value.metadata.deletionTimestamp ?? deletionTimestamp },
  }));
  return { httpStatus: 200, body: { kind: "Namespace", apiVersion: "v1", ...namespaces.render(removed) } };
}

/** @throws ApiError when the body is too large or is not JSON. */
async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > bodyMaxBytes) throw new ApiError(413, "RequestEntityTooLarge", `Request entity too large: limit is ${bodyMaxBytes}`);
    chunks.push(bytes);
  }
  if (length === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    throw badRequest("the body of the request is not JSON");
  }
}

function sendJson(response: ServerResponse, { httpStatus, body }: JsonAnswer): void {
  send(response, httpStatus, "application/json", JSON.stringify(body));
}

/** Sends a line for each event, until the watch is over or the client goes. */
function sendEvents(response: ServerResponse, { follow }: WatchAnswer): void {
  response.writeHead(200, { "content-type": "application/json", "x-content-type-options": "nosniff" });
  response.flushHeaders();
  const following = follow(
    (event) => response.write(`${JSON.stringify(event)}\n`),
    () => response.end(),
  );
  response.once("close", () => following[Symbol.dispose]());
}

function sendText(response: ServerResponse, httpStatus: number, text: string, type = "text/plain"): void {
  send(response, httpStatus, `${type}; charset=utf-8`, text);
}

function send(response: ServerResponse, httpStatus: number, contentType: string, text: string): void {
  if (response.destroyed || response.headersSent) return;
  const retry = httpStatus === 429 ? { "retry-after": "1" } : {};
  // A body that was not read to its end leaves the connection unusable.
  const close = httpStatus === 413 ? { connection: "close" } : {};
  const headers = { "content-type": contentType, "x-content-type-options": "nosniff", "content-length": Buffer.byteLength(text) };
  response.writeHead(httpStatus, { ...headers, ...retry, ...close });
  response.end(text);
}

const verbs = ["create", "delete", "get", "list", "patch", "update"];

/** Enough for kubectl to find the resources. */
const discovery: Readonly<Record<string, unknown>> = {
  "/api": { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] },
  "/apis": { kind: "APIGroupList", apiVersion: "v1", groups: [] },
  "/api/v1": {
    kind: "APIResourceList",
    groupVersion: "v1",
    resources: [
      { name: "configmaps", singularName: "configmap", namespaced: true, kind: "ConfigMap", shortNames: ["cm"], verbs },
      { name: "namespaces", singularName: "namespace", namespaced: false, kind: "Namespace", shortNames: ["ns"], verbs },
      { name: "secrets", singularName: "secret", namespaced: true, kind: "Secret", verbs },
    ],
  },
};
