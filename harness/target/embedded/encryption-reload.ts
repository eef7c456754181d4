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
  #poll: Timer;
  #retry: { readonly timer: Timer; readonly dueMs: number } | undefined;
  #hash: string;
  /** Of the whole life of the server: no success forgets them (client-go's workqueue, of which the controller asks no Forget). */
  #failures = 0;
  #attempt: Promise<void> | undefined;
  /** Whether the file is to be looked at once more after the attempt that is under way. */
  #isAskedAgain = false;

  constructor(parts: ReloadParts) {
    this.#parts = parts;
    this.#hash = parts.hash;
    this.#poll = this.#startPoll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    this.#poll[Symbol.dispose]();
    this.#retry?.timer[Symbol.dispose]();
    await this.#attempt;
  }

  #startPoll(): Timer {
    return this.#later(pollMs, () => {
      this.#poll = this.#startPoll();
      this.#look();
    });
  }

  /** Begins an attempt if the file is not the one in force. */
  #look(): void {
    this.#isAskedAgain = this.#attempt !== undefined;
    if (this.#isAskedAgain) return;
    const file = this.#parts.file();
    if (hashOf(file) === this.#hash) return;
    this.#attempt = this.#process(file).finally(() => {
      this.#attempt = undefined;
      if (this.#isAskedAgain && !this.#ending.signal.aborted) this.#look();
    });
  }

  async #process(file: EncryptionFile): Promise<void> {
    const { metrics, log } = this.#parts;
    try {
      const loaded = this.#parts.read(file);
      await using held = new AsyncDisposableStack();
      const set = held.use(await this.#parts.load(loaded));
      const problem = await this.#untilHealthy(set);
      if (problem !== undefined) throw new TargetError("unhealthy-plugin", `health check for new transformers failed: ${problem}`);
      held.move();
      this.#hash = loaded.hash;
      this.#parts.swap(set);
      metrics.recordReload("success");
      metrics.recordConfiguration(loaded.hash);
    } catch (thrown) {
      if (this.#ending.signal.aborted) return;
      if (!(thrown instanceof TargetError)) throw thrown;
      log(`error processing encryption config file: ${messageOf(thrown)}`);
      metrics.recordReload("failure");
      this.#retryLater(Math.min(firstRetryMs * 2 ** this.#failures, retryMsMax));
      this.#failures++;
    }
  }

  /** Of two retries the earlier one is made; the poll of every minute goes on beside them. */
  #retryLater(ms: number): void {
    const dueMs = this.#parts.clock.monotonicMs() + ms;
    if (this.#retry !== undefined && this.#retry.dueMs <= dueMs) return;
    this.#retry?.timer[Symbol.dispose]();
    const timer = this.#later(ms, () => {
      this.#retry = undefined;
      this.#look();
    });
    this.#retry = { timer, dueMs };
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
