import { randomUUID } from "node:crypto";
import { type Clock, systemClock } from "../../harness/clock.ts";
import { PluginError, UsageError } from "../../harness/errors.ts";
import { Random } from "../../harness/random.ts";
import { CircuitBreaker } from "../alibaba/circuit-breaker.ts";
import { AlibabaClient, type RpcCaller } from "../alibaba/client.ts";
import { type CredentialKind, credentialKinds, openCredentials } from "../alibaba/credential-chain.ts";
import type { CredentialProvider } from "../alibaba/credentials.ts";
import { endpointOf, regionalEndpoint, requireRegion } from "../alibaba/endpoint.ts";
import { AlibabaFault } from "../alibaba/fault.ts";
import { KmsApi, kmsProduct } from "../alibaba/kms-api.ts";
import { AlibabaProvider } from "../alibaba/kms-provider.ts";
import { MetadataService } from "../alibaba/metadata.ts";
import type { RoleSettings } from "../alibaba/sts.ts";
import { type CallContext, type KmsProvider, ProviderFault, type ProviderFaultKind } from "../provider.ts";
import { type Environment, type ProviderOption, type ProviderWords, textOf } from "../provider-options.ts";
import { withRetries } from "../retry.ts";

export const options = [
  { name: "key-id", type: "string", isRequired: true, describe: "The KMS key: its id, alias/NAME, or ARN." },
  { name: "region", type: "string", describe: "Region of the key; ALIBABA_CLOUD_REGION_ID or the ECS instance's by default." },
  { name: "endpoint", type: "string", describe: "The KMS's own host instead of the region's; http:// on loopback alone." },
  { name: "vpc", type: "boolean", describe: "Use the region's endpoints inside a VPC." },
  { name: "cluster-id", type: "string", describe: "Bound to every ciphertext; it opens under the same value alone." },
  { name: "credentials", type: "string", choices: credentialKinds, describe: "Where credentials come from; auto tries all in this order." },
  { name: "credentials-file", type: "string", describe: "An access key in JSON in a file of mode 0600, instead." },
  { name: "role-arn", type: "string", describe: "A role to assume with the credentials." },
  { name: "external-id", type: "string", describe: "What that role's trust policy asks for." },
  { name: "role-session-name", type: "string", describe: "Name of the role's session in the audit log; kmsmark by default." },
  { name: "sts-endpoint", type: "string", describe: "STS's own host instead of the region's." },
  { name: "metadata-endpoint", type: "string", describe: "Base URL of the ECS metadata service, of an emulator." },
] as const satisfies readonly ProviderOption[];

/** What of the environment no log may hold. */
export const secretVariables: readonly string[] = [
  "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
  "ALIBABA_CLOUD_SECURITY_TOKEN",
  "ALIBABA_CLOUD_CREDENTIALS_URI",
];

export interface AlibabaSettings {
  readonly keyName: string;
  readonly region: string | undefined;
  readonly endpoint: URL | undefined;
  readonly isVpc: boolean;
  readonly clusterId: string;
  readonly credentialKind: CredentialKind;
  readonly credentialsFile: string | undefined;
  readonly role: RoleSettings | undefined;
  readonly sessionName: string;
  readonly stsEndpoint: URL | undefined;
  readonly metadataEndpoint: string | undefined;
  /** Where credentials are looked for. */
  readonly environment: Environment;
}

/** Of ciphertexts for which no cluster was named. */
const noCluster = "default";

/** @throws UsageError */
export function settingsOf(words: ProviderWords, environment: Environment): AlibabaSettings {
  const endpoint = (name: string) => {
    const text = textOf(words, name);
    return text === undefined ? undefined : endpointOf(text, name);
  };
  const region = textOf(words, "region") ?? environment["ALIBABA_CLOUD_REGION_ID"];
  const clusterId = textOf(words, "cluster-id") ?? noCluster;
  if (!/^[\w.-]{1,128}$/.test(clusterId)) {
    throw new UsageError("bad-cluster-id", "The value of --cluster-id is no cluster's id.", {
      hint: "It has 1 to 128 letters, digits, and . - _.",
    });
  }
  const sessionName = textOf(words, "role-session-name") ?? "kmsmark";
  const roleArn = textOf(words, "role-arn");
  const externalId = textOf(words, "external-id");
  if (roleArn === undefined && externalId !== undefined) throw new UsageError("bad-role", "--external-id goes with --role-arn.");
  return {
    keyName: textOf(words, "key-id") ?? "",
    region: region === undefined || region === "" ? undefined : requireRegion(region),
    endpoint: endpoint("endpoint"),
    isVpc: words["vpc"] === true,
    clusterId,
    credentialKind: credentialKinds.find((kind) => kind === words["credentials"]) ?? "auto",
    credentialsFile: textOf(words, "credentials-file"),
    role: roleArn === undefined ? undefined : { roleArn, sessionName, ...(externalId === undefined ? {} : { externalId }) },
    sessionName,
    stsEndpoint: endpoint("sts-endpoint"),
    metadataEndpoint: textOf(words, "metadata-endpoint"),
    environment,
  };
}

export interface AlibabaSurroundings {
  /** Told in sentences, without secrets. */
  readonly log: { info(message: string): void; warn(message: string): void };
  readonly clock?: Clock;
  /** Makes the client of the KMS; tests give another one. */
  readonly connect?: (settings: {
    readonly endpoint: URL;
    readonly credentials: CredentialProvider;
    readonly clock: Clock;
    readonly breaker: CircuitBreaker;
  }) => RpcCaller;
}

/** The breaker opens after so many calls in a row that the KMS did not answer, and lets one try after so long. */
const failuresMax = 5;
const openMs = 5000;
/** Whoever gives the KMS less time than this learns nothing about it when the time is over. */
const patienceMsMin = 1000;
/** How long the check at the start may take. */
const startMsMax = 10_000;
/** For how long each of its calls is repeated where the KMS throttles; one that is away is left to the first Status. */
const startRetryMsMax = 1000;

/**
 * Alibaba Cloud KMS (API 2016-01-20). The key never leaves it: each Encrypt and Decrypt is a call.
 *
 * The key_id is `KEY/VERSION`. The KMS authenticates with each ciphertext the cluster, the key, the contract (v1 or v2) and the form, which
 * is also the only annotation; which version encrypted is known only afterwards and compared on Decrypt. v2's ciphertext is the KMS's own,
 * in bytes.
 * @throws PluginError or UsageError where it cannot serve as it was told to. A KMS that is merely away keeps nobody from starting.
 */
export async function openAlibabaProvider(
  settings: AlibabaSettings,
  { log, clock = systemClock, connect = connectKms }: AlibabaSurroundings,
): Promise<KmsProvider> {
  await using held = new AsyncDisposableStack();
  const tooLate = new AbortController();
  using _timer = clock.startTimer(startMsMax, () =>
    tooLate.abort(
      new AlibabaFault("deadline", "KMS", `The KMS or what hands out credentials did not answer within ${startMsMax / 1000} s.`),
    ),
  );
  const { signal } = tooLate;
  const metadata = held.use(new MetadataService(settings.metadataEndpoint));
  const { endpoint, stsEndpoint } = await endpointsOf(settings, metadata, signal);
  const { credentialKind: kind, credentialsFile: file, role, sessionName, environment } = settings;
  const credentials = held.use(
    await openCredentials({ kind, file, role, sessionName }, { environment, metadata, stsEndpoint, clock, log, signal }),
  );
  const breaker = kmsBreaker(clock);
  const client = held.use(connect({ endpoint, credentials, clock, breaker }));
  const provider = new AlibabaProvider(new KmsApi(client), settings, {
    forgetCredentials: () => credentials.forget(),
    dispose: () => all.disposeAsync(),
  });
  await checkKey(provider, log, { signal, clock });
  const all = held.move();
  return provider;
}

const connectKms: NonNullable<AlibabaSurroundings["connect"]> = (surroundings) =>
  new AlibabaClient({ product: kmsProduct, ...surroundings });

/**
 * What passes may have passed by the time of the first call; what does not is told at once, so that nobody waits for an API server that
 * cannot start.
 */
async function checkKey(
  provider: AlibabaProvider,
  log: AlibabaSurroundings["log"],
  { signal, clock }: { readonly signal: AbortSignal; readonly clock: Clock },
): Promise<void> {
  const context: CallContext = { signal, deadlineMs: clock.monotonicMs() + startMsMax, uid: "" };
  const random = new Random(randomUUID());
  const retried = async <Answer>(call: () => Promise<Answer>) => {
    const attempt = async () => {
      try {
        return { answer: await call() };
      } catch (thrown) {
        if (thrown instanceof ProviderFault && thrown.kind === "throttled") throw thrown;
        return { thrown };
      }
    };
    const outcome = await withRetries(attempt, { signal, deadlineMs: clock.monotonicMs() + startRetryMsMax }, { clock, random });
    if ("thrown" in outcome) throw outcome.thrown;
    return outcome.answer;
  };
  try {
    await provider.check(context, retried);
  } catch (thrown) {
    if (!(thrown instanceof ProviderFault)) throw thrown;
    const passes: readonly ProviderFaultKind[] = ["unavailable", "throttled", "deadline"];
    if (!passes.includes(thrown.kind)) throw new PluginError(`kms-${thrown.kind}`, thrown.message);
    log.warn(`The key could not be checked and the plugin starts without: ${thrown.message}`);
  }
}

function kmsBreaker(clock: Clock): CircuitBreaker {
  return new CircuitBreaker({
    clock,
    failuresMax,
    openMs,
    isAway: (thrown, durationMs) =>
      thrown instanceof AlibabaFault
        ? thrown.kind === "unavailable" || thrown.kind === "deadline"
        : thrown instanceof ProviderFault && thrown.kind === "deadline" && durationMs >= patienceMsMin,
    saysNothing: (thrown) => !(thrown instanceof AlibabaFault),
    refusal: (state, waitMs) =>
      new AlibabaFault(
        "unavailable",
        "KMS",
        state === "open"
          ? `The KMS was not available for ${failuresMax} calls in a row and is not asked for ${openMs / 1000} s (circuit breaker: open).`
          : "The KMS was not available before, and one call tries it now (circuit breaker: half-open).",
        waitMs > 0 ? { retryAfterMs: Math.ceil(waitMs) } : {},
      ),
  });
}

/** The region is asked for only where a host is made of it; without one, STS has a host for all regions. */
async function endpointsOf(
  { region: given, endpoint, stsEndpoint, isVpc }: AlibabaSettings,
  metadata: MetadataService,
  signal: AbortSignal,
): Promise<{ readonly endpoint: URL; readonly stsEndpoint: URL }> {
  const stsOf = (region: string) => stsEndpoint ?? regionalEndpoint("sts", region, isVpc);
  if (endpoint !== undefined) return { endpoint, stsEndpoint: given === undefined ? (stsEndpoint ?? globalStsEndpoint) : stsOf(given) };
  const region = given ?? (await instanceRegion(metadata, signal));
  return { endpoint: regionalEndpoint("kms", region, isVpc), stsEndpoint: stsOf(region) };
}

const globalStsEndpoint = new URL("https://sts.aliyuncs.com");

async function instanceRegion(metadata: MetadataService, signal: AbortSignal): Promise<string> {
  try {
    return requireRegion(await metadata.region(signal));
  } catch (thrown) {
    if (!(thrown instanceof AlibabaFault)) throw thrown;
    throw new UsageError("no-region", `The region of the KMS key is not known: ALIBABA_CLOUD_REGION_ID is not set. ${thrown.message}`, {
      hint: "Say it with --region.",
    });
  }
}
