import { readFileSync } from "node:fs";
import { annotate, fromGitHub, input } from "./job.ts";
import { answerOf } from "./program.ts";
import { summaryOf } from "./summary-text.ts";

/** GitHub takes 65,536 characters of a comment. */
const bytesMax = 60_000;

/** The number of the pull request that the job belongs to. */
function pullRequest(): number | undefined {
  const event: unknown = JSON.parse(readFileSync(fromGitHub("GITHUB_EVENT_PATH"), "utf8"));
  const request: unknown = typeof event === "object" && event !== null && "pull_request" in event ? event.pull_request : undefined;
  const number: unknown = typeof request === "object" && request !== null && "number" in request ? request.number : undefined;
  return typeof number === "number" && Number.isSafeInteger(number) ? number : undefined;
}

/** Puts the summary on the pull request: into the comment that an earlier run of the same name left, or into a new one. */
async function comment(number: number): Promise<void> {
  const repository = fromGitHub("GITHUB_REPOSITORY");
  const name = (input("artifact") ?? "kmsmark").replaceAll(/[^\w. -]/g, "_");
  const mark = `<!-- kmsmark: ${name} -->`;
  const query = `.[] | select(.body | startswith(${JSON.stringify(mark)})) | .id`;
  const found = await answerOf("gh", ["api", "--paginate", `repos/${repository}/issues/${number}/comments?per_page=100`, "--jq", query]);
  const [earlier] = found.split("\n").filter((line) => /^\d+$/.test(line));
  const [method, path] =
    earlier === undefined
      ? ["POST", `repos/${repository}/issues/${number}/comments`]
      : ["PATCH", `repos/${repository}/issues/comments/${earlier}`];
  const body = JSON.stringify({ body: `${mark}\n${summaryOf(bytesMax)}` });
  await answerOf("gh", ["api", "--method", method, path, "--input", "-", "--silent"], { stdin: body });
}

const number = pullRequest();
if (number === undefined) {
  process.stdout.write("There is no pull request to comment on.\n");
} else {
  await comment(number).catch((thrown: Error) => {
    // The token of a pull request from a fork may not write, and that is no fault of what was measured.
    annotate("warning", `The summary could not be put on the pull request: ${thrown.message}`);
  });
}
