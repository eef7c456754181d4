import { timingSafeEqual } from "node:crypto";
import type { Clock } from "../../../harness/clock.ts";
import { hashPayload, percentEncode, signV1, signV3 } from "../../alibaba/signature.ts";
import { type GatewayRequest, header, type Pairs, parametersOf } from "./request.ts";
import { CloudError } from "./service.ts";

/** A request's date may be so far from the clock, either way (spec alibaba-cloud 1.6). */
const skewMsMax = 15 * 60_000;

/** What the verifier needs to know of an access key. */
export interface SigningKey {
  readonly secret: string;
  readonly isActive: boolean;
  /** Of a session: the token that must come with it, and when it ends. */
  readonly session?: { readonly securityToken: string; readonly expirationMs: number };
}

export interface KeyDirectory {
  find(accessKeyId: string): SigningKey | undefined;
  /** Whether any session has or had the token. */
  hasToken(securityToken: string): boolean;
}

/** What a request says of itself, in either way of signing. */
interface Claims {
  readonly accessKeyId: string;
  readonly date: string;
  readonly nonce: string;
  readonly securityToken: string | undefined;
  /** The signature that the request should have, under the secret. */
  readonly expected: (secret: string) => string;
  readonly signature: string;
}

/**
 * Verifies both of Alibaba Cloud's signatures as its gateway does (spec alibaba-cloud 3): the key, the date, the signature over all that it
 * must cover, the session's token, and that no request comes twice.
 */
export class Verifier {
  readonly #directory: KeyDirectory;
  readonly #clock: Clock;
  /** By key and nonce, until when the date alone would not refuse it. In the order of arrival. */
  readonly #nonces = new Map<string, number>();

  constructor(directory: KeyDirectory, clock: Clock) {
    this.#directory = directory;
    this.#clock = clock;
  }

  /**
   * The access key that signed the request.
   * @throws CloudError with the gateway's code for what is wrong.
   */
  verify(request: GatewayRequest): string {
    const claims = claimsOf(request);
    const key = this.#directory.find(claims.accessKeyId);
    if (key === undefined) throw new CloudError(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.");
    if (!key.isActive) throw new CloudError(400, "InvalidAccessKeyId.Inactive", "Specified access key is disabled.");
    const nowMs = this.#clock.wallMs();
    const dateMs = parseDate(claims.date);
    if (Math.abs(nowMs - dateMs) > skewMsMax) {
      throw new CloudError(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.");
    }
    if (!isSame(claims.signature, claims.expected(key.secret))) {
      throw new CloudError(400, "SignatureDoesNotMatch", "Specified signature is not matched with our calculation.");
    }
    this.#checkToken(claims.securityToken, key, nowMs);
    this.#takeNonce(`${claims.accessKeyId} ${claims.nonce}`, dateMs + skewMsMax, nowMs);
    return claims.accessKeyId;
  }

  /** The statuses and the code for an absent token are our guess (spec alibaba-cloud 10). */
  #checkToken(token: string | undefined, { session }: SigningKey, nowMs: number): void {
    if (token === undefined && session === undefined) return;
    if (token === undefined) throw new CloudError(400, "MissingSecurityToken", "SecurityToken is mandatory for this action.");
    if (session === undefined || !isSame(token, session.securityToken)) {
      throw this.#directory.hasToken(token)
        ? new CloudError(400, "InvalidSecurityToken.MismatchWithAccessKey", "Specified SecurityToken mismatch with the AccessKey.")
        : new CloudError(400, "InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed.");
    }
    if (session.expirationMs <= nowMs) throw new CloudError(400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired.");
  }

  #takeNonce(nonce: string, untilMs: number, nowMs: number): void {
    const known = this.#nonces.get(nonce);
    if (known !== undefined && known >= nowMs) {
      throw new CloudError(400, "SignatureNonceUsed", "Specified signature nonce was used already.");
    }
    // Dates are near the clock, so those that came first end first, give or take; two a call keep pace with one that is added.
    let looked = 0;
    for (const [each, endMs] of this.#nonces) {
      if (++looked > 2 || endMs >= nowMs) break;
      this.#nonces.delete(each);
    }
    this.#nonces.set(nonce, untilMs);
  }
}

/** The access key that a request says it is signed with, true or not; undefined where it says none that could be one. */
export function claimedAccessKeyId(request: GatewayRequest): string | undefined {
  const id = authorizationOf(request)?.accessKeyId ?? [...request.query, ...request.form].find(([name]) => name === "AccessKeyId")?.[1];
  return id !== undefined && /^[A-Za-z0-9.]{1,64}$/.test(id) ? id : undefined;
}

const incomplete = (what: string) =>
  new CloudError(400, "IncompleteSignature", `The request signature does not conform to Alibaba Cloud standards: ${what}.`);

function claimsOf(request: GatewayRequest): Claims {
  return request.headers.authorization === undefined ? claimsV1(request) : claimsV3(request);
}

function authorizationOf({ headers }: Pick<GatewayRequest, "headers">) {
  const [, accessKeyId = "", signedHeaders = "", signature = ""] =
    /^ACS3-HMAC-SHA256 Credential=([^,\s]{1,128}),\s*SignedHeaders=([a-z0-9;-]{1,4096}),\s*Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? "",
    ) ?? [];
  return accessKeyId === "" ? undefined : { accessKeyId, signedHeaders: signedHeaders.split(";"), signature };
}

function claimsV3(request: GatewayRequest): Claims {
  const authorization = authorizationOf(request);
  if (authorization === undefined) throw incomplete("the Authorization header is not one of ACS3-HMAC-SHA256");
  const { accessKeyId, signedHeaders, signature } = authorization;
  const must = ["host", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256", "x-acs-version", "x-acs-action"];
  // How the body is to be read is part of what is signed.
  const isCovered = (name: string) => name.startsWith("x-acs-") || (name === "content-type" && request.body.length > 0);
  const present = Object.keys(request.headers).filter(isCovered);
  const unsigned = [...must, ...present].find((name) => !signedHeaders.includes(name));
  if (unsigned !== undefined) throw incomplete(`${unsigned.slice(0, 64)} is not among the signed headers`);
  const headers = new Map(signedHeaders.map((name) => [name, header(request, name)] as const).flatMap(isThere));
  const payloadHash = hashPayload(request.body);
  if (headers.size !== signedHeaders.length) throw incomplete("a signed header is absent or named twice");
  return {
    accessKeyId,
    date: headers.get("x-acs-date") ?? "",
    nonce: nonceOf(headers.get("x-acs-signature-nonce")),
    securityToken: headers.get("x-acs-security-token"),
    signature,
    expected(secret) {
      if (!isSame(headers.get("x-acs-content-sha256") ?? "", payloadHash)) {
        throw new CloudError(400, "SignatureDoesNotMatch", "The value of x-acs-content-sha256 is not that of the body.");
      }
      return signV3({ method: request.method, path: canonicalPath(request.path), query: request.query, headers, payloadHash }, secret);
    },
  };
}

function claimsV1(request: GatewayRequest): Claims {
  const parameters = parametersOf(request);
  const accessKeyId = parameters.get("AccessKeyId");
  const signature = parameters.get("Signature");
  if (accessKeyId === undefined || signature === undefined) throw incomplete("AccessKeyId or Signature is absent");
  if (parameters.get("SignatureMethod") !== "HMAC-SHA1") {
    throw new CloudError(400, "InvalidSignatureMethod", "Specified signature method is not valid.");
  }
  if (parameters.get("SignatureVersion") !== "1.0") throw incomplete("SignatureVersion is not 1.0");
  // Neither a path nor a body that is no form would be signed.
  if (request.path !== "/") throw incomplete("only RPC can be signed so");
  if (request.body.length > 0 && request.form.length === 0) throw incomplete("the body is no form");
  const signed: Pairs = [...parameters].filter(([name]) => name !== "Signature");
  return {
    accessKeyId,
    date: parameters.get("Timestamp") ?? "",
    nonce: nonceOf(parameters.get("SignatureNonce")),
    securityToken: parameters.get("SecurityToken"),
    signature,
    expected: (secret) => signV1(request.method, signed, secret),
  };
}

function isThere([name, value]: readonly [string, string | undefined]): [string, string][] {
  return value === undefined ? [] : [[name, value]];
}

function nonceOf(nonce: string | undefined): string {
  if (nonce === undefined || nonce === "" || nonce.length > 128) throw incomplete("the nonce is absent or too long");
  return nonce;
}

/** Encoded once, however the client did it. */
function canonicalPath(path: string): string {
  try {
    return path
      .split("/")
      .map((segment) => percentEncode(decodeURIComponent(segment)))
      .join("/");
  } catch {
    throw incomplete("the path is not well encoded");
  }
}

/** `2026-01-01T00:00:00Z`, a date of the calendar. */
function parseDate(date: string): number {
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(date) ? Date.parse(date) : Number.NaN;
  if (Number.isNaN(ms)) throw new CloudError(400, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted.");
  return ms;
}

/** In a time that does not depend on where they differ. */
function isSame(a: string, b: string): boolean {
  const [bytesA, bytesB] = [Buffer.from(a), Buffer.from(b)];
  return bytesA.length === bytesB.length && timingSafeEqual(bytesA, bytesB);
}
