import { constants } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import type { Clock, Timer } from "../../../harness/clock.ts";
import { messageOf, PluginError, systemCodeOf } from "../../../harness/errors.ts";
import { eventsStateSchema } from "./action-trail.ts";
import { keysStateSchema } from "./key-store.ts";
import { ramStateSchema } from "./ram-store.ts";
import { sessionsStateSchema } from "./sessions.ts";

const format = "kmsmark-alibaba-cloud/1";

const stateSchema = z.strictObject({
  format: z.literal(format),
  accountId: z.string(),
  region: z.string(),
  ram: ramStateSchema,
  sessions: sessionsStateSchema,
  keys: keysStateSchema,
  events: eventsStateSchema,
  /** What other services keep, by product. */
  services: z.record(z.string(), z.unknown()),
});

export type CloudState = z.infer<typeof stateSchema>;

/**
 * The cloud in one file, mode 0600: whoever can read it has every key and secret in it.
 * @returns undefined where there is no file yet.
 * @throws PluginError `cloud-state-bad`, `cloud-state-mode` or `cloud-state-unreadable`. No message quotes the file.
 */
export async function readState(path: string): Promise<CloudState | undefined> {
  let text: string;
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = await file.stat();
    if (!stats.isFile() || (stats.mode & 0o077) !== 0) {
      throw new PluginError("cloud-state-mode", `The state file ${path} is no file that is its owner's alone.`, {
        hint: `Make it yours alone: chmod 600 ${path}.`,
      });
    }
    text = await file.readFile("utf8");
  } catch (thrown) {
    if (systemCodeOf(thrown) === "ENOENT") return undefined;
    if (thrown instanceof PluginError) throw thrown;
    throw new PluginError("cloud-state-unreadable", `The state file cannot be read: ${messageOf(thrown)}.`, { cause: thrown });
  }
  const bad = (why: string) =>
    new PluginError("cloud-state-bad", `The state file ${path} is wrong: ${why}.`, { hint: "Delete it to start anew." });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text.
    throw bad("it is not JSON");
  }
  const parsed = stateSchema.safeParse(json);
  if (!parsed.success)
    throw bad([...new Set(parsed.error.issues.map((issue) => issue.path.slice(0, 2).join(".") || "the whole"))].join(", "));
  return parsed.data;
}

/** What becomes a {@link CloudState} in JSON; the events are that already. */
type SavedState = Readonly<Record<Exclude<keyof CloudState, "format" | "events">, unknown>> & { readonly eventsText: string };

/** How soon what may be lost for a moment is written: sessions and events. */
const writtenAfterMs = 2000;

export interface StateWriterOptions {
  readonly path: string;
  readonly state: () => SavedState;
  readonly clock: Clock;
  /** Told of what went wrong where nobody waits for it. */
  readonly onFault: (thrown: unknown) => void;
}

/**
 * Writes the state, one time after the other; what asks while one is being written is served by the next, together. Disposing of it writes it
 * for the last time.
 */
export class StateWriter implements AsyncDisposable {
  readonly #options: StateWriterOptions;
  #underWay: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #timer: Timer | undefined;
  #isOver = false;

  constructor(options: StateWriterOptions) {
    this.#options = options;
  }

  /** Has it written soon. */
  touch(): void {
    if (this.#timer !== undefined || this.#isOver) return;
    this.#timer = this.#options.clock.startTimer(writtenAfterMs, () => {
      this.#timer = undefined;
      this.write().catch(this.#options.onFault);
    });
  }

  /**
   * Resolves once a state as new as this call is on the disk.
   * @throws PluginError `cloud-state-unwritable`.
   */
  async write(): Promise<void> {
    // By now the file may be another process's.
    if (this.#isOver) return;
    await this.#enqueue();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    this.#timer?.[Symbol.dispose]();
    await this.#enqueue();
  }

  #enqueue(): Promise<void> {
    if (this.#next === undefined) {
      const next = this.#underWay.then(() => {
        this.#next = undefined;
        return this.#exchange();
      });
      this.#next = next;
      this.#underWay = next.catch(() => {});
    }
    return this.#next;
  }

  async #exchange(): Promise<void> {
    const { path } = this.#options;
    const newPath = `${path}.new`;
    const { eventsText, ...rest } = this.#options.state();
    const text = `${JSON.stringify({ format, ...rest }).slice(0, -1)},"events":${eventsText}}`;
    try {
      await rm(newPath, { force: true });
      {
        await using file = await open(newPath, "wx", 0o600);
        await file.writeFile(text);
        await file.sync();
      }
      await rename(newPath, path);
      await using folder = await open(dirname(path), "r");
      await folder.sync();
    } catch (thrown) {
      await rm(newPath, { force: true }).catch(() => {});
      throw new PluginError("cloud-state-unwritable", `The state file cannot be written: ${messageOf(thrown)}.`, { cause: thrown });
    }
  }
}
