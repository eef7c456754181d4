import { type Clock, systemClock } from "../../../harness/clock.ts";
import { PluginError } from "../../../harness/errors.ts";
import { Random } from "../../../harness/random.ts";
import { ActionTrail } from "./action-trail.ts";
import { type CloudAdmin, type Credentials, createAdmin } from "./admin.ts";
import { AdminEndpoint } from "./admin-endpoint.ts";
import { CloudFaults, parseCloudFault } from "./faults.ts";
import { Gateway } from "./gateway.ts";
import { KeyStore } from "./key-store.ts";
import { createKms } from "./kms.ts";
import { createActionTrail } from "./lookup-events.ts";
import { InstanceMetadata } from "./metadata.ts";
import type { OidcProvider } from "./oidc.ts";
import { Quotas } from "./quotas.ts";
import { createRam } from "./ram.ts";
import { RamStore } from "./ram-store.ts";
import { type CloudServer, serveCloud } from "./server.ts";
import type { Cloud, CloudService, CloudServiceFactory, QuotaName, TrailEvent } from "./service.ts";
import { SessionStore } from "./sessions.ts";
import { type CloudState, readState, StateWriter } from "./state-file.ts";
import { holdState } from "./state-owner.ts";
import { createCloudRoles, createSts } from "./sts.ts";

/** How long an event takes to show in LookupEvents here. The real one takes some 10 minutes (spec alibaba-cloud 4.1). */
export const defaultEventDelayMs = 3000;
const defaultAccountId = "1234567890123456";
const defaultRegion = "cn-hangzhou";
/** The role that the metadata and the credentials URI give out: what a plugin needs, and no more. */
const instanceRoleName = "KmsmarkPluginRole";

/** Products beside those that belong to the cloud itself. */
const furtherServices: readonly CloudServiceFactory[] = [];

export interface AlibabaCloudOptions {
  /** 0, the default, takes a free one. */
  readonly port?: number;
  readonly region?: string;
  readonly accountId?: string;
  /** Keeps everything over a restart; without it the cloud is gone when it stops. */
  readonly stateFile?: string;
  readonly eventDelayMs?: number;
  /** Calls a second. */
  readonly quotas?: Partial<Record<QuotaName, number>>;
  /** `Encrypt:latency=20ms` */
  readonly faults?: readonly string[];
  /** Repeats the faults' random choices. */
  readonly seed?: string;
  /** Whether the metadata answer only with a token (v2); true by default. */
  readonly metadataTokenRequired?: boolean;
  /** Whose tokens AssumeRoleWithOIDC takes. */
  readonly oidcProviders?: readonly OidcProvider[];
  /** Opens the admin endpoint to whoever has the token. */
  readonly adminToken?: string;
  readonly clock?: Clock;
  /** Told of a defect of the emulator, which its client sees as a 500. */
  readonly onDefect?: (thrown: unknown) => void;
  readonly services?: readonly CloudServiceFactory[];
}

/** A local Alibaba Cloud at work, of one account in one region; disposing of it stops it. */
export interface RunningCloud extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** `127.0.0.1:PORT`, as SDKs want it. */
  readonly endpoint: string;
  readonly region: string;
  readonly accountId: string;
  /** Of the account itself, which may do all but assume roles. */
  readonly root: Credentials;
  /** Where the plugin's role gives out credentials; who knows it gets them. */
  readonly credentialsUri: string;
  readonly admin: CloudAdmin;
  /** All of them, also those that LookupEvents does not show yet; oldest first. */
  readonly events: readonly TrailEvent[];
  /** What the services share. */
  readonly cloud: Cloud;
}

/**
 * Starts a local Alibaba Cloud: KMS, STS, RAM, ActionTrail and the metadata of an ECS instance.
 * @throws PluginError where port or state file cannot be used, UsageError where a fault cannot be understood.
 */
export async function startAlibabaCloud(options: AlibabaCloudOptions = {}): Promise<RunningCloud> {
  const { clock = systemClock, stateFile, seed = "cloud", adminToken } = options;
  await using started = new AsyncDisposableStack();
  if (stateFile !== undefined) started.use(holdState(stateFile));
  const saved = stateFile === undefined ? undefined : await readState(stateFile);
  const { region, accountId } = whereabouts(options, saved);
  const now = () => clock.wallMs();

  const ram = new RamStore(accountId, now);
  const sessions = new SessionStore(now);
  const keys = new KeyStore(region, accountId, now);
  const trail = new ActionTrail({ region, accountId, clock, delayMs: options.eventDelayMs ?? defaultEventDelayMs });
  const quotas = new Quotas(options.quotas ?? {}, clock);
  const faults = new CloudFaults(new Random(seed));
  for (const text of options.faults ?? []) faults.add(parseCloudFault(text), clock.monotonicMs());

  let server: CloudServer | undefined;
  const services: CloudService[] = [];
  const onDefect = options.onDefect ?? (() => {});
  const state = () => ({
    accountId,
    region,
    ram: ram.save(),
    sessions: sessions.save(),
    keys: keys.save(),
    eventsText: trail.saveText(),
    services: Object.fromEntries(services.flatMap(({ product, save }) => (save === undefined ? [] : [[product, save()]]))),
  });
  const writer = stateFile === undefined ? undefined : new StateWriter({ path: stateFile, state, clock, onFault: onDefect });
  const touched = () => writer?.touch();
  const recorder = recording(trail, touched);

  const cloud: Cloud = {
    accountId,
    region,
    clock,
    keys,
    roles: createCloudRoles({ ram, sessions }, recorder.record),
    trail,
    get url() {
      if (server === undefined) throw new TypeError("The cloud has no address before it listens.");
      return `http://127.0.0.1:${server.port}`;
    },
    changed: async () => writer?.write(),
  };
  services.push(
    createKms(cloud, keys),
    createSts(cloud, { ram, sessions, oidcProviders: options.oidcProviders ?? [] }),
    createRam(cloud, ram),
    createActionTrail(cloud, trail),
    ...[...furtherServices, ...(options.services ?? [])].map((create) => create(cloud)),
  );

  if (saved === undefined) {
    ram.createAccessKey(undefined);
    createInstanceRole(ram);
  } else {
    ram.load(saved.ram);
    sessions.load(saved.sessions);
    keys.load(saved.keys);
    trail.load(saved.events);
    for (const service of services) {
      if (saved.services[service.product] !== undefined) service.load?.(saved.services[service.product]);
    }
  }
  const [rootKey] = ram.accessKeysOf(undefined);
  if (rootKey === undefined) throw new PluginError("cloud-state-bad", "The state file has no access key of the account.");

  const admin = createAdmin({ ram, sessions, keys, faults, clock, touched });
  const metadata = new InstanceMetadata(
    { roleName: instanceRoleName, requireToken: options.metadataTokenRequired ?? true, region },
    cloud.roles,
    clock,
  );
  const stopping = new AbortController();
  const gateway = new Gateway({
    services,
    ram,
    sessions,
    trail: recorder,
    quotas,
    faults,
    clock,
    signal: stopping.signal,
    onDefect,
  });

  await writer?.write();
  // Last of all, when nothing changes any more.
  started.use(writer);
  server = started.use(
    await serveCloud(options.port ?? 0, {
      gateway,
      metadata,
      admin: adminToken === undefined ? undefined : new AdminEndpoint(adminToken, admin),
    }),
  );
  started.defer(() => stopping.abort());
  for (const service of services) started.defer(async () => service[Symbol.asyncDispose]?.());

  const { url } = cloud;
  const running = started.move();
  return {
    url,
    endpoint: url.slice("http://".length),
    region,
    accountId,
    root: { accessKeyId: rootKey.id, accessKeySecret: rootKey.secret },
    credentialsUri: `${url}${metadata.credentialsPath}`,
    admin,
    get events() {
      return trail.events;
    },
    cloud,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** A state file is of one account in one region; another may not be asked of it. */
function whereabouts({ region, accountId }: AlibabaCloudOptions, saved: CloudState | undefined) {
  const place = { region: region ?? saved?.region ?? defaultRegion, accountId: accountId ?? saved?.accountId ?? defaultAccountId };
  if (saved !== undefined && (saved.region !== place.region || saved.accountId !== place.accountId)) {
    throw new PluginError("cloud-state-elsewhere", `The state file is of account ${saved.accountId} in ${saved.region}.`, {
      hint: "Name another state file, or leave out what differs.",
    });
  }
  return place;
}

function createInstanceRole(ram: RamStore): void {
  const statement = (more: object) => JSON.stringify({ Version: "1", Statement: [{ Effect: "Allow", ...more }] });
  const trust = statement({
    Action: "sts:AssumeRole",
    Principal: { Service: ["ecs.aliyuncs.com"], RAM: [`acs:ram::${ram.accountId}:root`] },
  });
  const role = ram.createRole({ name: instanceRoleName, description: "The local plugin's", trust, maxSessionSeconds: 3600 });
  const document = statement({ Action: ["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey"], Resource: "*" });
  ram.createPolicy("KmsmarkPluginPolicy", "What a KMS plugin needs", document);
  ram.attach(role, "Role", { type: "Custom", name: "KmsmarkPluginPolicy" });
}

/** The trail, which has the state written after each event. */
function recording(trail: ActionTrail, touched: () => void): Pick<ActionTrail, "record"> {
  return {
    record(call) {
      trail.record(call);
      touched();
    },
  };
}
