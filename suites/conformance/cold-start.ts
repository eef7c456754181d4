import { TargetError } from "../../harness/errors.ts";
import type { ApiAnswer } from "../../harness/load/api-answer.ts";
import type { TestServer } from "./apiserver-server.ts";
import type { Stage } from "./apiserver-subject.ts";

const pollMs = 200;

/** An API server that was started again and may never become ready. Disposing of it waits until that is decided. */
export class ColdStart implements AsyncDisposable {
  readonly #stage: Stage;
  #state: "starting" | "ready" | "failed" = "starting";

  private constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** Begins the start of a stopped API server, and does not wait for it. */
  static begin(stage: Stage, server: TestServer): ColdStart {
    const start = new ColdStart(stage);
    server.plane.startApiServer().then(
      () => {
        start.#state = "ready";
      },
      () => {
        start.#state = "failed";
      },
    );
    return start;
  }

  get isReady(): boolean {
    return this.#state === "ready";
  }

  /** Asks again until the API server gives an answer that will do; the last one that it gave, or undefined if it gave none. */
  async answer(
    ask: () => Promise<ApiAnswer>,
    { will, withinMs }: { readonly will: (answer: ApiAnswer) => boolean; readonly withinMs: number },
  ): Promise<ApiAnswer | undefined> {
    let last: ApiAnswer | undefined;
    await this.#stage.until(
      async () => {
        try {
          last = await ask();
        } catch (thrown) {
          // Nobody listens yet.
          if (!(thrown instanceof TargetError)) throw thrown;
          return false;
        }
        return will(last);
      },
      { withinMs, everyMs: pollMs },
    );
    return last;
  }

  /** Waits until the API server is ready; false if it is not in time. */
  becomesReady({ withinMs }: { readonly withinMs: number }): Promise<boolean> {
    return this.#stage.until(async () => this.#state !== "starting", { withinMs, everyMs: pollMs }).then(() => this.isReady);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    while (this.#state === "starting") await this.#stage.pass(pollMs);
  }
}
