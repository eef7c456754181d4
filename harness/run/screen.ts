import { createRequire } from "node:module";
import { Writable } from "node:stream";

/** The package is CommonJS whose names an import does not find. */
const { Terminal }: typeof import("@xterm/headless") = createRequire(import.meta.url)("@xterm/headless");

/** For tests: a terminal of so many columns as a stream, with what a person would see on it. */
export class Screen extends Writable {
  readonly isTTY = true;
  readonly #terminal: InstanceType<typeof Terminal>;
  /** All that was written. */
  written = "";

  constructor({ columns, rows = 12 }: { readonly columns: number; readonly rows?: number }) {
    super();
    // A terminal's driver begins a new line at its start.
    this.#terminal = new Terminal({ cols: columns, rows, convertEol: true, allowProposedApi: true });
  }

  get columns(): number {
    return this.#terminal.cols;
  }

  get rows(): number {
    return this.#terminal.rows;
  }

  /** As when its window is pulled: what stands on it folds and unfolds. */
  resize(columns: number): void {
    this.#terminal.resize(columns, this.#terminal.rows);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.written += chunk.toString();
    this.#terminal.write(chunk, done);
  }

  /** The lines with anything on them, those that were scrolled away included, once all that was written is shown. */
  async lines(): Promise<string[]> {
    await new Promise<void>((resolve) => this.#terminal.write("", resolve));
    const buffer = this.#terminal.buffer.active;
    const lines = Array.from({ length: buffer.length }, (_, at) => buffer.getLine(at)?.translateToString(true) ?? "");
    return lines.slice(0, lines.findLastIndex((line) => line !== "") + 1);
  }

  /** Where the cursor is, from the first line on, and from the left. */
  get cursor(): { readonly line: number; readonly column: number } {
    const { baseY, cursorY, cursorX } = this.#terminal.buffer.active;
    return { line: baseY + cursorY, column: cursorX };
  }
}
