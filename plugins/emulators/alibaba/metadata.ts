import { randomBytes } from "node:crypto";
import type { Clock } from "../../../harness/clock.ts";
import { utcSeconds } from "./authorization.ts";
import { type GatewayRequest, header } from "./request.ts";
import { CloudError, type CloudRoles, type SessionCredentials } from "./service.ts";

const tokenSecondsMax = 21_600;
const tokenHeader = "x-aliyun-ecs-metadata-token";
const lifetimeHeader = "x-aliyun-ecs-metadata-token-ttl-seconds";
const rolePath = "/latest/meta-data/ram/security-credentials/";
/** How long a session of the instance's role lasts, and when a new one is given out before that. The real one's figures are not documented. */
const sessionSeconds = 3600;
const renewedMsBefore = 30 * 60_000;

export interface PlainAnswer {
  readonly status: number;
  readonly text: string;
  readonly type: "text/plain" | "application/json";
}

export interface MetadataOptions {
  /** The role of the instance. */
  readonly roleName: string;
  /** Whether only requests with a token are answered (v2); without it, v1 is answered as well. */
  readonly requireToken: boolean;
  readonly region: string;
}

/** The metadata of an ECS instance (spec alibaba-cloud 2.4), and the same credentials at a URI of their own. */
export class InstanceMetadata {
  readonly #options: MetadataOptions;
  readonly #roles: CloudRoles;
  readonly #clock: Clock;
  readonly #tokens = new Map<string, number>();
  /** Whoever knows the path gets the credentials. */
  readonly credentialsPath = `/credentials/${randomBytes(24).toString("base64url")}`;
  #session: SessionCredentials | undefined;

  constructor(options: MetadataOptions, roles: CloudRoles, clock: Clock) {
    this.#options = options;
    this.#roles = roles;
    this.#clock = clock;
  }

  /** Undefined where the path is none of its own. */
  answer(request: GatewayRequest): PlainAnswer | undefined {
    const { path, method } = request;
    const isOwn = path.startsWith("/latest/") || path === this.credentialsPath;
    if (!isOwn) return undefined;
    // A page in a browser that had a name resolve to loopback would send that name.
    if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(header(request, "host") ?? "")) return plain(403, "The host is not on loopback.");
    if (path === "/latest/api/token") return method === "PUT" ? this.#newToken(request) : plain(405, "Use PUT.");
    if (method !== "GET") return plain(405, "Use GET.");
    if (path === this.credentialsPath) return this.#credentials();
    const token = header(request, tokenHeader);
    if (token === undefined ? this.#options.requireToken : !this.#isValid(token)) return plain(403, "A valid metadata token is needed.");
    switch (path) {
      case "/latest/meta-data/region-id":
        return plain(200, this.#options.region);
      case rolePath:
      case rolePath.slice(0, -1):
        return plain(200, this.#options.roleName);
      case `${rolePath}${this.#options.roleName}`:
        return this.#credentials();
      default:
        return plain(404, "Not found.");
    }
  }

  #newToken(request: GatewayRequest): PlainAnswer {
    const lifetime = header(request, lifetimeHeader) ?? "";
    if (!/^[1-9]\d{0,4}$/.test(lifetime) || Number(lifetime) > tokenSecondsMax) {
      return plain(400, `${lifetimeHeader} must be 1 to ${tokenSecondsMax}.`);
    }
    const nowMs = this.#clock.monotonicMs();
    for (const [token, endMs] of this.#tokens) if (endMs <= nowMs) this.#tokens.delete(token);
    const token = randomBytes(32).toString("base64url");
    this.#tokens.set(token, nowMs + Number(lifetime) * 1000);
    return plain(200, token);
  }

  #isValid(token: string): boolean {
    return (this.#tokens.get(token) ?? 0) > this.#clock.monotonicMs();
  }

  #credentials(): PlainAnswer {
    const nowMs = this.#clock.wallMs();
    try {
      if (this.#session === undefined || this.#session.expirationMs - renewedMsBefore <= nowMs) {
        const { roleName } = this.#options;
        const service = { servicePrincipal: "ecs.aliyuncs.com", sessionName: "i-kmsmark", durationSeconds: sessionSeconds };
        this.#session = this.#roles.assumeAsService({ ...service, roleName });
      }
    } catch (thrown) {
      if (thrown instanceof CloudError) return plain(thrown.status, thrown.message);
      throw thrown;
    }
    const { accessKeyId, accessKeySecret, securityToken, expirationMs } = this.#session;
    const body = {
      Code: "Success",
      AccessKeyId: accessKeyId,
      AccessKeySecret: accessKeySecret,
      SecurityToken: securityToken,
      Expiration: utcSeconds(expirationMs),
      LastUpdated: utcSeconds(nowMs),
    };
    return { status: 200, text: JSON.stringify(body), type: "application/json" };
  }
}

const plain = (status: number, text: string): PlainAnswer => ({ status, text, type: "text/plain" });
