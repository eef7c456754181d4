import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
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
