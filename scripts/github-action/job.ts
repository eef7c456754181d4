import { randomBytes } from "node:crypto";
import { appendFileSync } from "node:fs";

// The steps of action.yml. They use nothing but Node.js, because the first of them installs everything else, and they take every input from
// the environment: one that stood in the text of a command would be run by the shell.

/** An input that cannot be used as given; its message is one sentence. */
export class InputError extends Error {}

/** An input of action.yml, without blanks around it; undefined where it is empty. */
export function input(name: string): string | undefined {
  const text = (process.env[`KMSMARK_${name.toUpperCase().replaceAll("-", "_")}`] ?? "").trim();
  return text === "" ? undefined : text;
}

/** An input of one word a line, so that no word needs quotes. */
export function inputLines(name: string): string[] {
  return (input(name) ?? "")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** Something that GitHub says to every step. */
export function fromGitHub(name: `GITHUB_${string}` | `RUNNER_${string}`): string {
  const value = process.env[name];
  if (value === undefined || value === "") throw new InputError(`${name} is not set: this is a step of a GitHub Action.`);
  return value;
}

/** Gives a value to the later steps, whatever is in it: the line that ends it is drawn by lot. */
export function setOutput(name: string, value: string): void {
  const end = `end-${randomBytes(16).toString("hex")}`;
  appendFileSync(fromGitHub("GITHUB_OUTPUT"), `${name}<<${end}\n${value}\n${end}\n`);
}

/** Shows a line beside the job. What is between the colons and the end must not begin another command of the runner. */
export function annotate(level: "error" | "warning", text: string): void {
  const escaped = text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
  process.stdout.write(`::${level}::${escaped}\n`);
}
