import type { Clock } from "../../harness/clock.ts";
import { PluginError, UsageError } from "../../harness/errors.ts";
import type { Environment } from "../provider-options.ts";
import type { CredentialProvider, CredentialSource } from "./credentials.ts";
import { credentialsUriName, uriCredentials } from "./credentials-uri.ts";
import { AlibabaFault } from "./fault.ts";
import { KeptCredentials, type KeptCredentialsOptions } from "./kept-credentials.ts";
import type { MetadataService } from "./metadata.ts";
import { environmentKey, fileKey, noEnvironmentKey } from "./static-credentials.ts";
import { assumedRole, oidcRole, type RoleSettings, requireRole } from "./sts.ts";

/** `auto` tries the others in this order. */
export const credentialKinds = ["auto", "access-key", "oidc", "uri", "ecs-ram-role"] as const;
export type CredentialKind = (typeof credentialKinds)[number];

export interface CredentialSettings {
  readonly kind: CredentialKind;
  /** With it nothing else is looked for. */
  readonly file: string | undefined;
  /** A role to assume with whatever was found. */
  readonly role: RoleSettings | undefined;
  readonly sessionName: string;
}

export interface CredentialSurroundings {
  readonly environment: Environment;
  readonly metadata: MetadataService;
  readonly stsEndpoint: URL;
  readonly clock: Clock;
  readonly log: KeptCredentialsOptions["log"] & { info(message: string): void };
  readonly signal: AbortSignal;
}

/** Credentials for as long as it is not disposed of. */
export interface OpenCredentials extends CredentialProvider, AsyncDisposable {
  /** Has them fetched anew, also those that a role is assumed with. */
  forget(): void;
}

/**
 * Finds where credentials come from and says so in the log, with the reason why what comes before it was not taken.
 * @throws UsageError for settings that cannot be used as given, PluginError `no-credentials` with every reason.
 */
export async function openCredentials(settings: CredentialSettings, surroundings: CredentialSurroundings): Promise<OpenCredentials> {
  await using held = new AsyncDisposableStack();
  const { log, clock, stsEndpoint } = surroundings;
  const hold = <Source extends CredentialSource>(source: Source & Partial<AsyncDisposable>): Source => {
    if (source[Symbol.asyncDispose] !== undefined) held.defer(() => source[Symbol.asyncDispose]?.());
    return source;
  };
  const found = hold(settings.file === undefined ? await choose(settings, surroundings) : fileKey(settings.file));
  const kept = [new KeptCredentials(found, { clock, log })];
  let { name } = found;
  if (settings.role !== undefined) {
    requireRole(settings.role);
    const assumed = hold(assumedRole(settings.role, lastOf(kept), { endpoint: stsEndpoint, clock }));
    kept.push(new KeptCredentials(assumed, { clock, log }));
    name = `${assumed.name}, assumed with ${found.name}`;
  }
  log.info(`Credentials come from ${name}.`);
  const used = lastOf(kept);
  const all = held.move();
  return {
    current: (signal) => used.current(signal),
    renewed: (refused, signal) => used.renewed(refused, signal),
    forget() {
      for (const each of kept) each.forget();
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function lastOf(kept: readonly KeptCredentials[]): KeptCredentials {
  const last = kept.at(-1);
  if (last === undefined) throw new RangeError("There are credentials of at least one kind.");
  return last;
}

type Choice = CredentialSource | { readonly refusal: string };

async function choose(settings: CredentialSettings, surroundings: CredentialSurroundings): Promise<CredentialSource> {
  const kinds = settings.kind === "auto" ? credentialKinds.filter((kind) => kind !== "auto") : [settings.kind];
  const refusals: string[] = [];
  for (const kind of kinds) {
    const choice = await tryKind(kind, settings, surroundings);
    if (!("refusal" in choice)) {
      for (const refusal of refusals) surroundings.log.info(`Not taken: ${refusal}.`);
      return choice;
    }
    refusals.push(`${kind}: ${choice.refusal}`);
  }
  throw new PluginError("no-credentials", `There are no credentials for the KMS. ${refusals.join("; ")}.`, {
    hint: "Set an access key in the environment, or run where a role is at hand; docs/alibaba.md has the ways.",
  });
}

async function tryKind(kind: CredentialKind, settings: CredentialSettings, surroundings: CredentialSurroundings): Promise<Choice> {
  const { environment, metadata, stsEndpoint, clock, signal } = surroundings;
  switch (kind) {
    case "access-key":
      return environmentKey(environment) ?? { refusal: noEnvironmentKey };
    case "oidc": {
      const [roleArn, providerArn, tokenFile] = oidcNames.map((name) => environment[name] ?? "");
      const missing = oidcNames.filter((name) => (environment[name] ?? "") === "");
      if (roleArn === undefined || providerArn === undefined || tokenFile === undefined || missing.length > 0) {
        return { refusal: `${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} not set` };
      }
      const oidc = { roleArn, providerArn, tokenFile, sessionName: settings.sessionName };
      requireRole(oidc);
      return oidcRole(oidc, { endpoint: stsEndpoint, clock });
    }
    case "uri": {
      const uri = environment[credentialsUriName] ?? "";
      return uri === "" ? { refusal: `${credentialsUriName} is not set` } : uriCredentials(uri);
    }
    case "ecs-ram-role": {
      const role = metadata.role();
      // Who asked for it knows that it is an ECS instance; else nothing but an answer shows that it is one.
      const refusal = settings.kind === "auto" ? await reasonNotToAsk(role, signal) : undefined;
      return refusal === undefined ? role : { refusal };
    }
    default:
      throw new UsageError("bad-credentials", "There is no such kind of credentials.");
  }
}

const oidcNames = ["ALIBABA_CLOUD_ROLE_ARN", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_OIDC_TOKEN_FILE"] as const;

async function reasonNotToAsk(role: CredentialSource, signal: AbortSignal): Promise<string | undefined> {
  try {
    await role.fetch(signal);
    return undefined;
  } catch (thrown) {
    if (thrown instanceof AlibabaFault) return thrown.message.replace(/\.$/, "");
    throw thrown;
  }
}
