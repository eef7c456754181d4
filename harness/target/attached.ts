import { messageOf, TargetError } from "../errors.ts";
import { ApiProbe } from "./api-probe.ts";
import { type EtcdSettings, readEtcdAccess } from "./etcd-access.ts";
import { EtcdStore } from "./etcd-store.ts";
import { readKubeconfig } from "./kubeconfig-access.ts";
import type { ControlPlane, Target } from "./target.ts";

/** How to reach a control plane that is not kmsmark's. */
export interface AttachedSettings {
  /** Path of a kubeconfig. */
  readonly kubeconfig: string;
  /** One of its contexts; undefined for the current one. */
  readonly context?: string | undefined;
  /** Where its etcd answers, if it may be read. */
  readonly etcd?: EtcdSettings | undefined;
}

/** A control plane that was there before: it is measured as it is, never restarted, reconfigured or stopped. */
export function attachedTarget(settings: AttachedSettings): Target {
  return {
    kind: "attached",
    readiness: async () => undefined,
    async start({ signal, apiServers = 1 }) {
      if (apiServers > 1) throw new TargetError("not-ours", "kmsmark adds no API server to a control plane that it did not start.");
      await using opened = new AsyncDisposableStack();
      const api = await readKubeconfig(settings.kubeconfig, settings.context);
      const kubernetesVersion = await askVersion(new ApiProbe(api), api.url, signal);
      const store = settings.etcd === undefined ? undefined : opened.use(new EtcdStore(await readEtcdAccess(settings.etcd)));
      const etcdVersion = await store?.version(signal);
      const all = opened.move();
      return {
        kind: "attached",
        kubernetesVersion,
        etcdVersion,
        api,
        apis: [api],
        etcdPrefix: settings.etcd?.prefix ?? "/registry",
        store,
        internals: undefined,
        cannot: {
          restart: "kmsmark did not start this API server, so it does not restart it",
          configure: "kmsmark did not start this API server, so it does not change its encryption configuration",
          tap: "no tap stands between this API server and its KMS plugin; the API server's own metrics count the calls",
          ...(store === undefined ? { store: "no etcd endpoint was given for this control plane" } : {}),
        },
        stopApiServer: async () => refuse("stop"),
        startApiServer: async () => refuse("start"),
        changeEncryption: async () => refuse("reconfigure"),
        logTail: async () => "",
        [Symbol.asyncDispose]: () => all.disposeAsync(),
      } satisfies ControlPlane;
    },
  };
}

function refuse(what: string): never {
  throw new TargetError("not-ours", `kmsmark does not ${what} an API server that it did not start.`);
}

async function askVersion(probe: ApiProbe, url: string, signal: AbortSignal): Promise<string> {
  await using asked = probe;
  try {
    return await asked.version(signal);
  } catch (thrown) {
    signal.throwIfAborted();
    if (thrown instanceof TargetError) throw thrown;
    throw new TargetError("api-unreachable", `The API server at ${url} cannot be reached: ${messageOf(thrown)}.`, { cause: thrown });
  }
}
