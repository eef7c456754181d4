import { randomUUID } from "node:crypto";
import { type Logger, pino } from "pino";
import { type Clock, systemClock } from "../harness/clock.ts";
import { messageOf } from "../harness/errors.ts";
import { grpcCodeNames } from "../harness/kms/contract.ts";
import { Random } from "../harness/random.ts";
import { kmsmarkVersion } from "../harness/version.ts";
import { createPluginMetrics, serveMetrics } from "./metrics.ts";
import type { PluginCall, PluginObserver, ProviderOperation } from "./observer.ts";
import type { PromptProvider } from "./provider.ts";
import { type AlibabaSettings, openAlibabaProvider } from "./providers/alibaba.ts";
import { type LocalSettings, openLocalProvider } from "./providers/local.ts";
import { serveKms } from "./server.ts";
import { KeyService } from "./service.ts";

/** What starting each provider takes. */
export type ProviderChoice = ({ readonly name: "local" } & LocalSettings) | ({ readonly name: "alibaba" } & AlibabaSettings);

export interface PluginOptions {
  /** Where to listen: a path or `unix:///path`. */
  readonly socket: string;
  /** A choice, or a provider that is open already; the plugin disposes of it in the end, also when it cannot start. */
  readonly provider: ProviderChoice | PromptProvider;
  /** `HOST:PORT` on loopback for /metrics, /healthz and /readyz; without it they are not served. */
  readonly metrics?: string;
  /** Silent by default. Calls are logged at `debug`, failed ones at `warn`. */
  readonly log?: Logger;
  readonly clock?: Clock;
}

/** How many calls there were since the start. */
export interface PluginCounters {
  /** gRPC calls answered, failed ones included. */
  readonly v1: Readonly<Record<"Version" | "Encrypt" | "Decrypt", number>>;
  readonly v2: Readonly<Record<"Status" | "Encrypt" | "Decrypt", number>>;
  /** Attempts at the KMS, repetitions included. */
  readonly provider: Readonly<Record<ProviderOperation, number>>;
}

/** The bundled plugin at work; disposing of it stops it in good order. */
export interface RunningPlugin extends AsyncDisposable {
  /** The socket's absolute path. */
  readonly socket: string;
  /** `http://127.0.0.1:PORT` where metrics are served. */
  readonly metricsUrl: string | undefined;
  /** A copy; it does not change any more. */
  counters(): PluginCounters;
  /** Has the provider read its keys again, as SIGHUP does. */
  reload(): Promise<void>;
}

/**
 * Starts the bundled KMS plugin; it can be called once this resolves.
 * @throws PluginError or UsageError where socket, key file or metrics address cannot be used.
 */
export async function startPlugin(options: PluginOptions): Promise<RunningPlugin> {
  const { log = pino({ level: "silent" }), clock = systemClock } = options;
  await using started = new AsyncDisposableStack();
  const provider = started.use(await openProvider(options.provider, log, clock));

  const counters = new CallCounters();
  const observers: PluginObserver[] = [counters, logObserver(log)];
  const observer: PluginObserver = {
    onCall: (call) => {
      for (const each of observers) each.onCall?.(call);
    },
    onProviderCall: (call) => {
      for (const each of observers) each.onProviderCall?.(call);
    },
  };
  const service = new KeyService(provider, { clock, random: new Random(randomUUID()), observer, runtimeVersion: kmsmarkVersion() });
  const health = () => service.health;
  // Labels cost as much as a fast call does: they are not kept for nobody.
  const metrics = options.metrics === undefined ? undefined : createPluginMetrics(provider.name, health);
  if (metrics !== undefined) observers.push(metrics.observer);
  const metricsServer =
    metrics === undefined || options.metrics === undefined ? undefined : started.use(await serveMetrics(options.metrics, metrics, health));
  const onFault = (fault: Error) => log.warn({ fault: messageOf(fault) }, "the socket reported a fault");
  const server = started.use(await serveKms(service, { socket: options.socket, clock, observer, onFault }));
  // So that readiness is known before the first Status; a KMS that is away keeps nobody from starting.
  await service.refresh();
  log.info({ socket: server.socket, provider: provider.name, metrics: metricsServer?.url, health: service.health }, "serving");

  const running = started.move();
  return {
    socket: server.socket,
    metricsUrl: metricsServer?.url,
    counters: () => counters.copy(),
    reload: () => service.reload(),
    async [Symbol.asyncDispose]() {
      await running.disposeAsync();
      log.info({ socket: server.socket }, "stopped");
    },
  };
}

async function openProvider(choice: PluginOptions["provider"], log: Logger, clock: Clock): Promise<PromptProvider> {
  if ("encrypt" in choice) return choice;
  switch (choice.name) {
    case "local":
      return openLocalProvider(choice, { log, clock });
    case "alibaba":
      return openAlibabaProvider(choice, { log, clock });
  }
}

class CallCounters implements PluginObserver {
  #v1 = { Version: 0, Encrypt: 0, Decrypt: 0 };
  #v2 = { Status: 0, Encrypt: 0, Decrypt: 0 };
  #provider = { currentKey: 0, encrypt: 0, decrypt: 0 };

  onCall({ kms, method }: PluginCall): void {
    if (kms === "v1" && method !== "Status") this.#v1[method]++;
    if (kms === "v2" && method !== "Version") this.#v2[method]++;
  }

  onProviderCall({ operation }: { readonly operation: ProviderOperation }): void {
    this.#provider[operation]++;
  }

  copy(): PluginCounters {
    return { v1: { ...this.#v1 }, v2: { ...this.#v2 }, provider: { ...this.#provider } };
  }
}

/** A uid is a UUID, 36 characters; whatever else a caller sends as one must not flood the log. */
const uidCharactersMax = 64;

function logObserver(log: Logger): PluginObserver {
  return {
    onCall({ kms, method, uid, bytesIn, bytesOut, durationMs, grpcCode, message }) {
      const level = grpcCode === 0 ? "debug" : "warn";
      if (!log.isLevelEnabled(level)) return;
      const code = grpcCodeNames[grpcCode];
      const fault = message === "" ? undefined : message;
      log[level]({ kms, method, uid: uid.slice(0, uidCharactersMax), bytesIn, bytesOut, durationMs, code, fault }, "call");
    },
    onProviderCall({ operation, durationMs, outcome }) {
      log.debug({ operation, durationMs, outcome }, "provider call");
    },
  };
}
