import type { Clock } from "../../harness/clock.ts";
import { connectKmsV1, connectKmsV2, connectRaw, detectKmsVersions, type RawKms } from "../../harness/kms/client.ts";
import type { KmsV1, KmsV2, KmsVersion } from "../../harness/kms/contract.ts";
import { socketPathOf } from "../../harness/kms/socket.ts";
import type { Random } from "../../harness/random.ts";
import type { Need, SubjectBase } from "./check.ts";

/** A KMS plugin behind its socket: a black box. All checks share one connection a KMS version, as all calls of an API server do. */
export interface PluginSubject extends SubjectBase, Disposable {
  /** Absolute path of the socket. */
  readonly socket: string;
  readonly versions: readonly KmsVersion[];
  readonly v1: KmsV1;
  readonly v2: KmsV2;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** Further connections, for checks that are about connections. */
  connectV1(): KmsV1 & Disposable;
  connectV2(): KmsV2 & Disposable;
  /** For requests that are none of the contract's, and under another `:authority`. */
  connectRaw(authority?: string): RawKms & Disposable;
  /** Runs what rotates the plugin's key, or restarts the plugin; rejects where that fails. */
  rotate(): Promise<void>;
  restart(): Promise<void>;
}

export interface OpenPluginOptions {
  /** A path or `unix:///path`. */
  readonly socket: string;
  /** Which services to check; undefined: those that it offers. */
  readonly versions: readonly KmsVersion[] | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** What rotates the key, and what restarts the plugin, where there is such a thing. */
  readonly rotate: (() => Promise<void>) | undefined;
  readonly restart: (() => Promise<void>) | undefined;
}

/** A plugin that does not answer so long after a restart is left to the checks, which will say so. */
const answersAgainMsMax = 15_000;
const answersAgainPollMs = 50;

/** Connects to a plugin and finds out what it serves. Fails as {@link detectKmsVersions} does. */
export async function openPlugin({ socket, clock, random, signal, ...given }: OpenPluginOptions): Promise<PluginSubject> {
  const path = socketPathOf(socket);
  const versions = given.versions ?? (await detectKmsVersions(path));
  const v1 = connectKmsV1(path);
  const v2 = connectKmsV2(path);
  const lacks: Readonly<Partial<Record<Need, string>>> = {
    ...(versions.includes("v1") ? {} : { "kms-v1": "KMS v1 is not checked: the plugin does not serve it, or it was not asked for." }),
    ...(versions.includes("v2") ? {} : { "kms-v2": "KMS v2 is not checked: the plugin does not serve it, or it was not asked for." }),
    ...(given.rotate === undefined ? { rotate: "Nothing is known that rotates the key; --rotate-command names it." } : {}),
    ...(given.restart === undefined ? { restart: "Nothing is known that restarts the plugin; --restart-command names it." } : {}),
  };
  /** As kube-apiserver does, calls go over the connection that was there before, which has to notice first that it is gone. */
  const restartAndWait = async () => {
    await given.restart?.();
    const giveUpMs = clock.monotonicMs() + answersAgainMsMax;
    while (clock.monotonicMs() < giveUpMs) {
      const answers = await Promise.allSettled([
        ...(versions.includes("v1") ? [v1.version({ signal })] : []),
        ...(versions.includes("v2") ? [v2.status({ signal })] : []),
      ]);
      if (answers.every(({ status }) => status === "fulfilled")) return;
      await clock.sleep(answersAgainPollMs, signal);
    }
  };
  return {
    socket: path,
    versions,
    v1,
    v2,
    clock,
    random,
    signal,
    connectV1: () => connectKmsV1(path),
    connectV2: () => connectKmsV2(path),
    connectRaw: (authority) => connectRaw(path, authority === undefined ? {} : { authority }),
    rotate: given.rotate ?? absent,
    restart: given.restart === undefined ? absent : restartAndWait,
    lacks: (need) => lacks[need],
    [Symbol.dispose]() {
      v1[Symbol.dispose]();
      v2[Symbol.dispose]();
    },
  };
}

async function absent(): Promise<void> {
  throw new Error("The need of this check was not declared.");
}
