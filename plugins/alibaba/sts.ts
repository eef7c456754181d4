import { readFile } from "node:fs/promises";
import { z } from "zod";
import type { Clock } from "../../harness/clock.ts";
import { systemCodeOf, UsageError } from "../../harness/errors.ts";
import { AlibabaClient } from "./client.ts";
import type { CredentialProvider, CredentialSource } from "./credentials.ts";
import { AlibabaFault } from "./fault.ts";
import { issuedSchema } from "./issued-credentials.ts";

const product = { name: "STS", version: "2015-04-01" };
const answerSchema = z.object({ Credentials: issuedSchema });
/** The default of the service (spec alibaba-cloud 2.1). */
const durationSeconds = "3600";

export interface RoleSettings {
  /** `acs:ram::123456789:role/name`. */
  readonly roleArn: string;
  /** Stands in the audit log beside the role's name. */
  readonly sessionName: string;
  /** Asked for by the role's trust policy against a confused deputy. */
  readonly externalId?: string | undefined;
}

/** @throws UsageError `bad-role` */
export function requireRole({ roleArn, sessionName, externalId }: RoleSettings): void {
  const hint = (text: string) => ({ hint: text });
  if (!/^acs:ram::\d+:role\/[\w.@-]{1,64}$/.test(roleArn)) {
    throw new UsageError("bad-role", "The role's ARN is none.", hint("Write acs:ram::ACCOUNT:role/NAME."));
  }
  if (!/^[\w.@-]{2,64}$/.test(sessionName)) {
    throw new UsageError("bad-role", "The name of the role's session is none.", hint("It has 2 to 64 letters, digits, and . @ - _."));
  }
  if (externalId !== undefined && (externalId.length < 2 || externalId.length > 1224)) {
    throw new UsageError("bad-role", "The external id has not 2 to 1224 characters.");
  }
}

export interface StsOptions {
  readonly endpoint: URL;
  readonly clock: Clock;
}

/** A role, assumed with credentials that are there already. */
export function assumedRole(
  { roleArn, sessionName, externalId }: RoleSettings,
  credentials: CredentialProvider,
  options: StsOptions,
): CredentialSource & AsyncDisposable {
  const client = new AlibabaClient({ product, credentials, ...options });
  const parameters = {
    RoleArn: roleArn,
    RoleSessionName: sessionName,
    DurationSeconds: durationSeconds,
    ...(externalId === undefined ? {} : { ExternalId: externalId }),
  };
  return {
    name: `the role ${roleArn}`,
    fetch: async (signal) => (await client.rpc("AssumeRole", parameters, answerSchema, { signal })).Credentials,
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

export interface OidcSettings extends RoleSettings {
  readonly providerArn: string;
  /** A file that kubelet exchanges now and then; it is read for every session. */
  readonly tokenFile: string;
}

/** A role, assumed with the token of a Kubernetes service account (RRSA). Nobody signs that call: the token is the proof. */
export function oidcRole(
  { roleArn, sessionName, providerArn, tokenFile }: OidcSettings,
  options: StsOptions,
): CredentialSource & AsyncDisposable {
  const client = new AlibabaClient({ product, credentials: undefined, ...options });
  return {
    name: `the role ${roleArn} by OIDC`,
    async fetch(signal) {
      const token = await readFile(tokenFile, "utf8").catch((thrown: unknown) => {
        throw new AlibabaFault(
          "no-credentials",
          "credentials",
          `The OIDC token file ${tokenFile} cannot be read (${systemCodeOf(thrown) ?? "no code"}).`,
        );
      });
      const parameters = {
        OIDCProviderArn: providerArn,
        OIDCToken: token.trim(),
        RoleArn: roleArn,
        RoleSessionName: sessionName,
        DurationSeconds: durationSeconds,
      };
      // In the body, as the SDKs do: a URL is written down in too many places for a token.
      return (await client.rpcForm("AssumeRoleWithOIDC", parameters, answerSchema, { signal })).Credentials;
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}
