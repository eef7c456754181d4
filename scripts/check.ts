import { failing, fastChecks } from "./steps.ts";

/** `npm run check`: all that can be said of the code without running the product. */
const failed = await failing([
  ...fastChecks,
  { title: "dead code and unused dependencies", words: ["knip"] },
  { title: "the seams of the design", words: ["vitest", "run", "--project", "unit", "scripts/tidy.test.ts"] },
]);
process.stdout.write(failed.length === 0 ? "\nAll checks pass.\n" : `\nFailed: ${failed.join("; ")}.\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
