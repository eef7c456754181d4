import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The checkout's root folder. */
export const root = fileURLToPath(new URL("..", import.meta.url));

/** A program of `node_modules/.bin`, or of the PATH, with its words. */
export interface Step {
  readonly title: string;
  readonly words: readonly [string, ...string[]];
}

/** What `npm run check` and `npm test` share: types, and lint with format and import cycles. */
export const fastChecks: readonly Step[] = [
  { title: "types", words: ["tsc", "-p", "."] },
  { title: "lint, format, import cycles", words: ["biome", "ci", "."] },
];

/** Runs a step with this terminal and resolves to whether it succeeded. npm scripts have `node_modules/.bin` on the PATH. */
export function passes(step: Step, environment: Record<string, string> = {}): Promise<boolean> {
  process.stdout.write(`\n── ${step.title}\n`);
  const [program, ...words] = step.words;
  return new Promise((resolve, reject) => {
    spawn(program, words, { cwd: root, stdio: "inherit", env: { ...process.env, ...environment } })
      .on("error", reject)
      .on("close", (code) => resolve(code === 0));
  });
}

/** Runs all the steps, also behind a failing one, and resolves to the titles of those that failed. */
export async function failing(steps: readonly Step[]): Promise<string[]> {
  const failed: string[] = [];
  for (const step of steps) if (!(await passes(step))) failed.push(step.title);
  return failed;
}
