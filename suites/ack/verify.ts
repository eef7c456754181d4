import type { Clock } from "../../harness/clock.ts";
import { type KmsmarkError, UsageError } from "../../harness/errors.ts";
import type { Journal } from "../../harness/run/journal.ts";
import type { StepProgress } from "../../harness/run/step-progress.ts";
import { readKubeconfig } from "../../harness/target/kubeconfig-access.ts";
import { type CredentialKind, openCredentials } from "../../plugins/alibaba/credential-chain.ts";
import { endpointOf, regionalEndpoint, requireRegion } from "../../plugins/alibaba/endpoint.ts";
import { AlibabaFault } from "../../plugins/alibaba/fault.ts";
import { MetadataService } from "../../plugins/alibaba/metadata.ts";
import { ackRole } from "../../plugins/emulators/alibaba/ack-rules.ts";
import { Clients } from "./account-clients.ts";
import { AckCalls, KmsCalls } from "./cloud-calls.ts";
import { runSteps } from "./run-steps.ts";
import { eventsStep, testSecretStep, verifySteps } from "./steps-verify.ts";
import { eventOf, isByRole, Trail } from "./trail.ts";
import type { VerifyOptions, VerifyStage } from "./verify-stage.ts";

export interface VerifyWords {
  readonly cluster: string;
  readonly region: string;
  /** Hosts or URLs instead of the region's. */
  readonly endpoints: { readonly ack?: string | undefined; readonly kms?: string | undefined; readonly trail?: string | undefined };
  readonly credentials: CredentialKind;
  readonly deadlineSeconds: number;
  readonly lookBackHours: number;
  /** Of the cluster; a test Secret is made with it. */
  readonly testSecret: { readonly kubeconfig: string; readonly context: string | undefined; readonly namespace: string } | undefined;
}

export interface VerifyWorld {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly journal: Journal;
  readonly progress: StepProgress;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** @throws UsageError `bad-verify-options` and what a region or an endpoint is refused with */
export function verifyOptionsOf({ cluster, region, deadlineSeconds, lookBackHours }: VerifyWords): VerifyOptions {
  const faults: string[] = [];
  if (!/^[\w-]{1,128}$/.test(cluster)) faults.push("--cluster takes the id of a cluster");
  if (!(deadlineSeconds >= 0 && deadlineSeconds <= 86_400)) faults.push("--deadline takes 0 to 86400 seconds");
  // The trail keeps 90 days (spec alibaba-cloud 4.1).
  if (!(lookBackHours > 0 && lookBackHours <= 2160)) faults.push("--look-back takes up to 2160 hours");
  if (faults.length > 0) throw new UsageError("bad-verify-options", `${faults.join("; ")}.`);
  return { clusterId: cluster, region: requireRegion(region), deadlineMs: deadlineSeconds * 1000, lookBackMs: lookBackHours * 3_600_000 };
}

/** Takes the steps of a verification and writes down what they found, and the events of the role. */
export async function verifyAccount(words: VerifyWords, world: VerifyWorld): Promise<void> {
  const { environment, journal, progress, clock, signal } = world;
  const options = verifyOptionsOf(words);
  await using held = new AsyncDisposableStack();
  const metadata = held.use(new MetadataService(undefined));
  const log = { info: (text: string) => progress.say(text), warn: (text: string) => progress.say(text) };
  const stsEndpoint = regionalEndpoint("sts", options.region, false);
  const credentials = held.use(
    await openCredentials(
      { kind: words.credentials, file: undefined, role: undefined, sessionName: "kmsmark" },
      { environment, metadata, stsEndpoint, clock, log, signal },
    ),
  );
  const clients = held.use(new Clients(clock));
  const { region } = options;
  const open = (product: "ack" | "kms" | "trail") =>
    clients.open(product, endpointFor(product, region, words.endpoints[product]), credentials);
  const { testSecret } = words;
  const stage: VerifyStage = {
    options,
    ack: new AckCalls(open("ack"), signal),
    kms: new KmsCalls(open("kms"), signal),
    trail: new Trail({ client: open("trail"), clock, signal }),
    testSecret:
      testSecret === undefined
        ? undefined
        : { access: await readKubeconfig(testSecret.kubeconfig, testSecret.context), namespace: testSecret.namespace },
    clock,
    signal,
    progress,
    keyId: undefined,
    sinceMs: clock.wallMs() - options.lookBackMs,
    records: [],
  };
  await runSteps([...verifySteps, ...(testSecret === undefined ? [] : [testSecretStep]), eventsStep], stage, { ...world, isFinding });
  journal.append({ event: "kms-events", events: stage.records.filter((record) => isByRole(record, ackRole.name)).map(eventOf) });
}

/** That there is no such cluster or key is an answer; that nobody could be asked, or may not ask, is none. */
function isFinding(fault: KmsmarkError): boolean {
  if (!(fault instanceof AlibabaFault)) return true;
  const { httpStatus, serviceCode = "" } = fault.facts;
  return fault.kind === "refused" && (httpStatus === 404 || httpStatus === 409) && !serviceCode.startsWith("Invalid");
}

function endpointFor(product: "ack" | "kms" | "trail", region: string, given: string | undefined): URL {
  const name = { ack: "cs", kms: "kms", trail: "actiontrail" }[product];
  return given === undefined ? new URL(`https://${name}.${region}.aliyuncs.com`) : endpointOf(given, `endpoint-${name}`);
}
