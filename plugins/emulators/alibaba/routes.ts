import { type GatewayRequest, header } from "./request.ts";
import { CloudError, type CloudOperation, type CloudService } from "./service.ts";

export interface Route {
  readonly service: CloudService;
  readonly action: string;
  readonly operation: CloudOperation;
  /** Those that the path holds. */
  readonly pathParameters: ReadonlyMap<string, string>;
}

interface PathRoute extends Omit<Route, "pathParameters"> {
  readonly method: string;
  readonly segments: readonly string[];
}

/** Finds the operation that a request is for: by version and action (RPC), or by version, method and path (ROA). */
export class Routes {
  readonly #services: readonly CloudService[];
  readonly #paths: readonly PathRoute[];

  constructor(services: readonly CloudService[]) {
    this.#services = services;
    this.#paths = services
      .filter(({ style }) => style === "roa")
      .flatMap((service) => Object.entries(service.operations).flatMap(([action, operation]) => pathRoute(service, action, operation)));
  }

  /** @throws CloudError 404 where there is none, 403 where RPC is called by another method than GET and POST. */
  find(request: GatewayRequest, parameters: ReadonlyMap<string, string>): Route {
    // Of a request signed in its parameters the headers are not signed, so they may not say what it is for.
    const named = (name: string, parameter: string) =>
      (parameters.has("Signature") && request.headers.authorization === undefined ? undefined : header(request, name)) ??
      parameters.get(parameter) ??
      "";
    const version = named("x-acs-version", "Version");
    const service = this.#services.find((each) => each.version === version);
    if (service === undefined) throw new CloudError(404, "InvalidVersion", "Specified parameter Version is not valid.");
    if (service.style === "roa") return this.#findPath(service, request);
    if (request.method !== "GET" && request.method !== "POST") {
      throw new CloudError(403, "UnsupportedHTTPMethod", "This http method is not supported.");
    }
    const action = named("x-acs-action", "Action");
    const operation = Object.hasOwn(service.operations, action) ? service.operations[action] : undefined;
    if (operation === undefined || request.path !== "/") throw notFound();
    return { service, action, operation, pathParameters: new Map() };
  }

  #findPath(service: CloudService, { method, path }: GatewayRequest): Route {
    const segments = path.split("/").map(decoded);
    for (const route of this.#paths) {
      if (route.service !== service || route.method !== method || route.segments.length !== segments.length) continue;
      const pathParameters = new Map<string, string>();
      const fits = route.segments.every((wanted, at) => {
        const given = segments[at] ?? "";
        const name = /^\{(\w+)\}$/.exec(wanted)?.[1];
        if (name === undefined) return wanted === given;
        pathParameters.set(name, given);
        return given !== "";
      });
      if (fits) return { service, action: route.action, operation: route.operation, pathParameters };
    }
    throw notFound();
  }
}

function pathRoute(service: CloudService, action: string, operation: CloudOperation): PathRoute[] {
  const [method, path] = operation.route?.split(" ", 2) ?? [];
  return method === undefined || path === undefined ? [] : [{ service, action, operation, method, segments: path.split("/") }];
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw notFound();
  }
}

const notFound = () => new CloudError(404, "InvalidApi.NotFound", "Specified api is not found, please check your url and method.");
