import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Those that take a minute and more, the longest first: started last, one of them would run alone at the end. */
const longest = [
  "scripts/readme.real.test.ts",
  "harness/commands/conform.real.test.ts",
  "harness/commands/bench-faults.real.test.ts",
  "suites/bench/lifecycle.real.test.ts",
  "harness/target/targets.real.test.ts",
  "suites/ack/run.real.test.ts",
].map((path) => join(import.meta.dirname, path));

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => (longest.includes(moduleId) ? longest.indexOf(moduleId) : longest.length);
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: "unit",
          include: ["**/*.test.ts"],
          exclude: ["**/node_modules/**", "dist/**", "**/*.real.test.ts"],
          // Those that say that they may run at once mostly wait.
          maxConcurrency: 24,
          // Ends what hangs. It says nothing of how long anything may take: the machine may have other things to do.
          testTimeout: 180_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 0 },
          maxWorkers: "100%",
        },
      },
      {
        test: {
          name: "real",
          include: ["**/*.real.test.ts"],
          exclude: ["**/node_modules/**", "dist/**"],
          // They mostly wait, and do so better without the unit tests beside them.
          sequence: { groupOrder: 1 },
          maxWorkers: 2,
          // As above; the longest of them take minutes by themselves.
          testTimeout: 900_000,
          hookTimeout: 900_000,
        },
      },
    ],
  },
});
