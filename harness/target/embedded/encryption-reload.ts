import type { Clock, Timer } from "../../clock.ts";
import { messageOf, TargetError } from "../../errors.ts";
import type { EncryptionFile } from "../encryption-configuration.ts";
import { hashOf, type LoadedFile } from "./encryption-file.ts";
import type { ApiServerMetrics } from "./metrics.ts";
import type { ProviderSet } from "./provider-set.ts";

/** spec encryption-at-rest 4.4; k8s.io/apiserver pkg/server/options/encryptionconfig/controller/controller.go. */
const pollMs = 60_000;
const healthPollMs = 100;
const healthMsMin = 10_000;
const firstRetryMs = 5;
const retryMsMax = 1_000_000;

export interface ReloadParts {
  readonly clock: Clock;
  readonly metrics: ApiServerMetrics;
  /** Of the file that the server was started with. */
  readonly hash: string;
  /** What the file holds now. */
  file(): EncryptionFile;
  /** @throws TargetError where kube-apiserver would refuse it. */
  read(file: EncryptionFile): LoadedFile;
  load(file: LoadedFile): Promise<ProviderSet>;
  /** Puts a set that was found healthy into the place of the old one. */
  swap(set: ProviderSet): void;
  log(line: string): void;
}

/** Looks at the file every minute, and puts what it holds into force if that can be loaded and is healthy; else tries again, ever later. */
export class EncryptionReload implements AsyncDisposable {
  readonly #parts: ReloadParts;
  readonly #ending = new AbortController();
  #timer: Timer | undefined;
  #hash: string;
  #failures = 0;
  #attempt: Promise<void> | undefined;

  constructor(parts: ReloadParts) {
    this.#parts = parts;
    this.#hash = parts.hash;
    this.#timer = this.#later(pollMs, () => this.#poll());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    this.#timer?.[Symbol.dispose]();
    await this.#attempt;
  }

  #poll(): void {
    this.#timer = this.#later(pollMs, () => this.#poll());
    // Where an attempt has failed, its own retry is due before.
    if (this.#attempt === undefined && this.#failures === 0) this.#start();
  }

  #start(): void {
    const file = this.#parts.file();
    if (hashOf(file) === this.#hash) {
      this.#failures = 0;
      return;
    }
    this.#attempt = this.#process(file).finally(() => {
      this.#attempt = undefined;
    });
  }

  async #process(file: EncryptionFile): Promise<void> {
    const { metrics, log } = this.#parts;
    try {
      const loaded = this.#parts.read(file);
      const set = await this.#parts.load(loaded);
      const problem = await this.#untilHealthy(set);
      if (problem !== undefined) {
        await set[Symbol.asyncDispose]();
        throw new TargetError("unhealthy-plugin", problem);
      }
      this.#hash = loaded.hash;
      this.#failures = 0;
      this.#parts.swap(set);
      metrics.recordReload("success");
      metrics.recordConfiguration(loaded.hash);
    } catch (thrown) {
      if (this.#ending.signal.aborted) return;
      if (!(thrown instanceof TargetError)) throw thrown;
      log(`the encryption configuration was not loaded again: ${messageOf(thrown)}`);
      metrics.recordReload("failure");
      const retryMs = Math.min(firstRetryMs * 2 ** this.#failures, retryMsMax);
      this.#failures++;
      this.#later(retryMs, () => this.#start());
    }
  }

  /** What its checks say at last, if they do not become good in time. */
  async #untilHealthy(set: ProviderSet): Promise<string | undefined> {
    const { clock } = this.#parts;
    const giveUpMs = clock.monotonicMs() + Math.max(healthMsMin, set.closeGraceMs);
    for (;;) {
      const [check] = set.healthChecks({ automaticReload: true });
      const problem = await check?.check();
      if (problem === undefined) return undefined;
      if (clock.monotonicMs() >= giveUpMs) return problem.message;
      await clock.sleep(healthPollMs, this.#ending.signal);
    }
  }

  #later(ms: number, run: () => void): Timer {
    return this.#parts.clock.startTimer(ms, () => {
      if (!this.#ending.signal.aborted) run();
    });
  }
}
