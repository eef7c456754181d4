import type { Clock } from "../../harness/clock.ts";
import { KmsmarkError } from "../../harness/errors.ts";
import { untilAborted } from "../until-aborted.ts";
import type { CredentialProvider, CredentialSource, Credentials } from "./credentials.ts";
import { AlibabaFault } from "./fault.ts";

/**
 * Credentials are renewed in the background when less than this is left of them, or than a quarter of the time for which they were given.
 */
export const renewAheadMsMax = 15 * 60_000;
const renewAheadShare = 1 / 4;
/** With less left they are not used any more: the call and the clocks of two machines take time too. */
export const unusableBeforeExpiryMs = 30_000;
/** After a failed renewal in the background the next is not begun for so long. */
export const renewPauseMs = 10_000;
/** Without credentials, what a failed attempt was told is told again for so long, so that nothing is asked more often. */
const askPauseMs = 1000;
/** How long a renewal may take. */
const renewMsMax = 10_000;

export interface KeptCredentialsOptions {
  readonly clock: Clock;
  /** Told, without secrets, of a renewal that failed while the old credentials still work. */
  readonly log: { warn(message: string): void };
}

/**
 * Keeps credentials until shortly before they expire, and renews them ahead of that, one renewal at a time and without holding up the calls
 * for as long as the old ones are valid. An idle process renews nothing: the next call then does.
 */
export class KeptCredentials implements CredentialProvider {
  readonly #source: CredentialSource;
  readonly #options: KeptCredentialsOptions;
  #kept: Credentials | undefined;
  /** When to begin with the renewal, on the clock's wall. */
  #renewAtMs = Number.POSITIVE_INFINITY;
  #renewing: Promise<Credentials> | undefined;
  #failed: { readonly atMs: number; readonly thrown: unknown } | undefined;

  constructor(source: CredentialSource, options: KeptCredentialsOptions) {
    this.#source = source;
    this.#options = options;
  }

  async current(signal: AbortSignal): Promise<Credentials> {
    const nowMs = this.#options.clock.wallMs();
    const kept = this.#kept;
    if (kept === undefined || nowMs >= (kept.expiresMs ?? Number.POSITIVE_INFINITY) - unusableBeforeExpiryMs) {
      if (this.#failed !== undefined && nowMs - this.#failed.atMs < askPauseMs) throw this.#failed.thrown;
      return untilAborted(this.#renew(), signal);
    }
    if (nowMs >= this.#renewAtMs) void this.#renewInBackground();
    return kept;
  }

  async renewed(refused: Credentials, signal: AbortSignal): Promise<Credentials | undefined> {
    if (refused.securityToken === undefined) return undefined;
    // Somebody else's call may have been refused before, and the new ones be there already.
    const isReplaced = this.#kept !== undefined && this.#kept.accessKeyId !== refused.accessKeyId;
    const next = isReplaced ? this.#kept : await untilAborted(this.#renew(), signal);
    return next?.securityToken === refused.securityToken ? undefined : next;
  }

  /** Forgets what it has, so that the next call fetches anew: the operator asked for it. */
  forget(): void {
    this.#kept = undefined;
    this.#failed = undefined;
  }

  async #renewInBackground(): Promise<void> {
    this.#renewAtMs = this.#options.clock.wallMs() + renewPauseMs;
    try {
      await this.#renew();
    } catch (thrown) {
      // What is no fault of ours may quote anything.
      const why = thrown instanceof KmsmarkError ? thrown.message : "It failed in a way that is not foreseen.";
      this.#options.log.warn(`The credentials could not be renewed and are used until they expire. ${why}`);
    }
  }

  #renew(): Promise<Credentials> {
    this.#renewing ??= this.#fetch()
      .catch((thrown: unknown) => {
        this.#failed = { atMs: this.#options.clock.wallMs(), thrown };
        throw thrown;
      })
      .finally(() => {
        this.#renewing = undefined;
      });
    return this.#renewing;
  }

  async #fetch(): Promise<Credentials> {
    const { clock } = this.#options;
    const tooLate = new AbortController();
    const late = new AlibabaFault(
      "deadline",
      "credentials",
      `Credentials from ${this.#source.name} did not come within ${renewMsMax / 1000} s.`,
    );
    using _timer = clock.startTimer(renewMsMax, () => tooLate.abort(late));
    const fetched = await untilAborted(this.#source.fetch(tooLate.signal), tooLate.signal);
    const nowMs = clock.wallMs();
    const leftMs = (fetched.expiresMs ?? Number.POSITIVE_INFINITY) - nowMs;
    if (leftMs <= unusableBeforeExpiryMs) {
      throw new AlibabaFault(
        "no-credentials",
        "credentials",
        `Credentials from ${this.#source.name} have expired, or do within ${unusableBeforeExpiryMs / 1000} s: check where they come from, and this machine's clock.`,
      );
    }
    this.#kept = fetched;
    this.#renewAtMs = nowMs + leftMs - Math.min(renewAheadMsMax, leftMs * renewAheadShare);
    return fetched;
  }
}
