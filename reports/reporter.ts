import type { Result } from "../harness/run/schema.ts";

/** One output format. It sees nothing but a result, so that a report can be made again at any time, and it returns the text. */
export interface Reporter {
  /** The name of the reporter's own file. */
  readonly id: string;
  /** The file's name in the run folder. */
  readonly file: string;
  /** Whether there is anything in the run for it to show; without this there always is. */
  isFor?(result: Result): boolean;
  /** Resolves late where what draws has to be loaded first. */
  render(result: Result): string | Promise<string>;
}
