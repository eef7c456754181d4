import { createPublicKey, type JsonWebKey, verify } from "node:crypto";
import { z } from "zod";
import { CloudError } from "./service.ts";

/** An identity provider whose tokens AssumeRoleWithOIDC takes, such as the issuer of a cluster's service accounts (RRSA). */
export interface OidcProvider {
  /** `acs:ram::<account>:oidc-provider/<name>` */
  readonly name: string;
  readonly issuer: string;
  /** One of the token's `aud` must be among them. */
  readonly audiences: readonly string[];
  /** RSA public keys with their `kid`. */
  readonly keys: readonly JsonWebKey[];
}

export interface OidcClaims {
  readonly subject: string;
  readonly audiences: readonly string[];
}

const headerSchema = z.object({ alg: z.literal("RS256"), kid: z.string() });
const claimsSchema = z.object({
  iss: z.string(),
  sub: z.string().min(1),
  aud: z.union([z.string(), z.array(z.string())]).transform((given) => (typeof given === "string" ? [given] : given)),
  exp: z.number(),
  nbf: z.number().optional(),
});

/**
 * Verifies a service account's token (RFC 7519) and returns who it is for. Only RS256, which Kubernetes signs with.
 * @throws CloudError; its codes are our guess.
 */
export function verifyOidcToken(token: string, provider: OidcProvider, nowMs: number): OidcClaims {
  const parts = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(token);
  const [, head = "", body = "", signature = ""] = parts ?? [];
  const header = parse(headerSchema, head);
  const claims = parse(claimsSchema, body);
  if (header === undefined || claims === undefined) throw refused("Invalid", "The OIDC token is malformed.");
  const jwk = provider.keys.find((key) => key["kid"] === header.kid && key.kty === "RSA");
  if (jwk === undefined) throw refused("Invalid", "The OIDC token is signed by a key that the provider does not have.");
  const key = createPublicKey({ key: jwk, format: "jwk" });
  if (!verify("sha256", Buffer.from(`${head}.${body}`), key, Buffer.from(signature, "base64url"))) {
    throw refused("Invalid", "The signature of the OIDC token is not valid.");
  }
  if (claims.iss !== provider.issuer) throw refused("Invalid", "The issuer of the OIDC token is not the provider's.");
  const audiences = claims.aud.filter((each) => provider.audiences.includes(each));
  if (audiences.length === 0) throw refused("Invalid", "The audience of the OIDC token is not among the provider's.");
  if (claims.exp * 1000 <= nowMs || (claims.nbf ?? 0) * 1000 > nowMs) throw refused("Expired", "The OIDC token is not valid now.");
  return { subject: claims.sub, audiences };
}

function parse<Schema extends z.ZodType>(schema: Schema, part: string): z.infer<Schema> | undefined {
  try {
    return schema.safeParse(JSON.parse(Buffer.from(part, "base64url").toString("utf8"))).data;
  } catch {
    return undefined;
  }
}

const refused = (why: "Invalid" | "Expired", message: string) => new CloudError(400, `AuthenticationFail.OIDCToken.${why}`, message);
