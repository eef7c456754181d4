import { spawn } from "node:child_process";

/** What a program is run with. */
export interface ProgramOptions {
  readonly folder?: string | undefined;
  /** Beside the environment of this step. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

/** Runs a program with this step's output, never through a shell, and resolves to its exit code. A signal to the step goes on to it. */
export async function run(program: string, words: readonly string[], options: ProgramOptions = {}): Promise<number> {
  return (await ended(program, words, { ...options, isRead: false })).code;
}

/** What a program prints. @throws Error where it fails */
export async function answerOf(program: string, words: readonly string[], options: ProgramOptions = {}): Promise<string> {
  const { code, answer } = await ended(program, words, { ...options, isRead: true });
  if (code !== 0) throw new Error(`\`${program} ${words.slice(0, 2).join(" ")}\` ended with ${code}.`);
  return answer;
}

function ended(
  program: string,
  words: readonly string[],
  { folder, environment = {}, stdin, isRead }: ProgramOptions & { readonly isRead: boolean },
): Promise<{ readonly code: number; readonly answer: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, {
      env: { ...process.env, ...environment },
      stdio: [stdin === undefined ? "ignore" : "pipe", isRead ? "pipe" : "inherit", "inherit"],
      ...(folder === undefined ? {} : { cwd: folder }),
    });
    const passOn = (signal: NodeJS.Signals) => child.kill(signal);
    const signals = ["SIGINT", "SIGTERM"] as const;
    for (const signal of signals) process.on(signal, passOn);
    let answer = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      answer += text;
    });
    // Whoever ends without reading is told of by its exit code.
    child.stdin?.on("error", () => {});
    child.stdin?.end(stdin);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      for (const each of signals) process.off(each, passOn);
      resolve({ code: code ?? (signal === "SIGINT" ? 130 : 1), answer });
    });
  });
}
