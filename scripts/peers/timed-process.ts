import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";

/** What a process that has ended printed and used. */
export interface TimedProcess {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
  /** User and system time of the whole process, from its start to its end, ms. */
  readonly cpuMs: number;
}

/**
 * Runs a program to its end and resolves to what it used: the shell's `times` (POSIX) tells of every program alike, to a hundredth of a second or better.
 * @throws Error where the shell does not tell.
 */
export async function runTimed(
  program: string,
  words: readonly string[],
  signal: AbortSignal,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<TimedProcess> {
  const child = spawn("sh", ["-c", '"$@"; code=$?; times >&2; exit $code', "sh", program, ...words], {
    stdio: ["ignore", "pipe", "pipe"],
    signal,
    env: environment,
  });
  const exited = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? -1));
  });
  const [stdout, all, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  const times = /^(.*?)(\S+ \S+)\n(\S+) (\S+)\s*$/s.exec(all);
  const [, stderr = "", , user, system] = times ?? [];
  if (user === undefined || system === undefined) throw new Error(`The shell does not tell the times of ${program}: ${all}`);
  return { stdout, stderr, exitCode, cpuMs: msOf(user) + msOf(system) };
}

/** Of `1m2.345s`. */
function msOf(time: string): number {
  const [, minutes, seconds] = /^(\d+)m([\d.,]+)s$/.exec(time) ?? [];
  if (minutes === undefined || seconds === undefined) throw new Error(`${time} is no time of the shell's.`);
  return 60_000 * Number(minutes) + 1000 * Number(seconds.replace(",", "."));
}
