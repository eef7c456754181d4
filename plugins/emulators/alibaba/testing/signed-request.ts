import { randomUUID } from "node:crypto";
import { systemClock } from "../../../../harness/clock.ts";
import { canonicalQuery, hashPayload, signedHeaderNames, signV1, signV3 } from "../../../alibaba/signature.ts";
import type { Credentials } from "../admin.ts";
import { utcSeconds } from "../authorization.ts";

/** A request before it is sent, so that a test can spoil it. */
export interface SignedRequest {
  url: string;
  method: string;
  readonly headers: Record<string, string>;
  body: string;
}

export interface RequestWords {
  readonly endpoint: string;
  readonly credentials: Credentials;
  readonly version?: string;
  readonly action?: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly path?: string;
  readonly method?: string;
  readonly body?: string;
  readonly date?: string;
  readonly nonce?: string;
  /** What `x-acs-content-sha256` says, where that is not the body's hash. */
  readonly statedHash?: string;
}

const now = () => utcSeconds(systemClock.wallMs());

/** Signed as ACS3-HMAC-SHA256. */
export function requestV3(words: RequestWords): SignedRequest {
  const {
    endpoint,
    credentials,
    version = "2016-01-20",
    action = "ListKeys",
    parameters = {},
    path = "/",
    method = "POST",
    body = "",
  } = words;
  const payloadHash = hashPayload(Buffer.from(body));
  const headers = new Map([
    ["host", endpoint],
    ["x-acs-action", action],
    ["x-acs-version", version],
    ["x-acs-date", words.date ?? now()],
    ["x-acs-signature-nonce", words.nonce ?? randomUUID()],
    ["x-acs-content-sha256", words.statedHash ?? payloadHash],
    ...(body === "" ? [] : [["content-type", "application/json"] as const]),
    ...(credentials.securityToken === undefined ? [] : [["x-acs-security-token", credentials.securityToken] as const]),
  ]);
  const query = Object.entries(parameters);
  const signature = signV3({ method, path, query, headers, payloadHash }, credentials.accessKeySecret);
  const authorization = `ACS3-HMAC-SHA256 Credential=${credentials.accessKeyId},SignedHeaders=${signedHeaderNames(headers)},Signature=${signature}`;
  return {
    url: `http://${endpoint}${path}?${canonicalQuery(query)}`,
    method,
    headers: { ...Object.fromEntries(headers), authorization },
    body,
  };
}

/** Signed as HMAC-SHA1 in the query. */
export function requestV1(words: RequestWords): SignedRequest {
  const { endpoint, credentials, version = "2016-01-20", action = "ListKeys", parameters = {}, method = "POST" } = words;
  const all = {
    ...parameters,
    Action: action,
    Version: version,
    Format: "JSON",
    AccessKeyId: credentials.accessKeyId,
    SignatureMethod: "HMAC-SHA1",
    SignatureVersion: "1.0",
    Timestamp: words.date ?? now(),
    SignatureNonce: words.nonce ?? randomUUID(),
    ...(credentials.securityToken === undefined ? {} : { SecurityToken: credentials.securityToken }),
  };
  const signature = signV1(method, Object.entries(all), credentials.accessKeySecret);
  const query = canonicalQuery(Object.entries({ ...all, Signature: signature }));
  return { url: `http://${endpoint}/?${query}`, method, headers: { host: endpoint }, body: "" };
}

/** The answer's status and JSON. */
export async function send({ url, method, headers, body }: SignedRequest): Promise<{ status: number; json: unknown }> {
  const { host: _host, ...sent } = headers;
  const response = await fetch(url, { method, headers: sent, ...(body === "" ? {} : { body }) });
  const text = await response.text();
  const json: unknown = text === "" ? undefined : JSON.parse(text);
  return { status: response.status, json };
}
