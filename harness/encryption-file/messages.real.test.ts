import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { systemClock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import { Lease } from "../lease.ts";
import { removeContainer } from "../target/containers.ts";
import { defaultVersions } from "../target/install/index.ts";
import { processesTarget } from "../target/processes.ts";
import { describeReal } from "../target/real-test.ts";
import type { ControlPlane } from "../target/target.ts";
import badFiles from "./bad-files.json" with { type: "json" };
import { readEncryptionFile, startError } from "./index.ts";

const startsMsMax = 15_000;

await describeReal("processes", "what kube-apiserver says of a file it does not start with", () => {
  for (const automaticReload of [false, true]) {
    describe(`${automaticReload ? "with" : "without"} automatic reload`, () => {
      let lease: Lease;
      let plane: ControlPlane;
      beforeAll(async () => {
        lease = Lease.take("test", removeContainer);
        const { signal } = new AbortController();
        const encryption = { resources: [{ resources: ["secrets"], providers: [{ kind: "identity" as const }] }] };
        const spec = { ...defaultVersions, encryption, automaticReload, featureGates: {}, lease, clock: systemClock, signal };
        plane = await processesTarget(process.env).start(spec);
        await plane.stopApiServer();
      });
      afterAll(async () => {
        await plane[Symbol.asyncDispose]();
        await lease.release();
      });

      const files = badFiles.filter((file) => (file.automaticReload ?? false) === automaticReload);
      it.each(files)("$what", { timeout: startsMsMax }, async ({ text }) => {
        const ended = await plane.startApiServer({ encryption: { text } }).then(() => "it started", messageOf);
        const { faults } = readEncryptionFile(text, { automaticReload, allowsKmsV1: false });
        expect(lastWords(ended, text)).toBe(startError(faults, "FILE"));
      });
    });
  }
});

/** The error that the server ends with, without the file's own path and keys, which kube-apiserver shows in some. */
function lastWords(message: string, text: string): string {
  const words = shownError(message);
  if (words === undefined) return message;
  const keys = [...text.matchAll(/[A-Za-z0-9+/]{40,}={0,2}/g)].map(([key]) => key);
  return keys
    .reduce((shown, key) => shown.replaceAll(key, "REDACTED"), words)
    .replaceAll(/"\/[^"]*encryption\.yaml"/g, '"FILE"')
    .replace(/('(?:Kind|apiVersion)' is missing in ').*'$/s, "$1REDACTED'");
}

/** klog shows an error of one line in quotes, and one of several indented between `<` and `>`. */
function shownError(message: string): string | undefined {
  const quoted = /err=("(?:[^"\\]|\\.)*")/.exec(message)?.[1];
  if (quoted !== undefined) return z.string().parse(JSON.parse(quoted));
  const block = /err=<\n(.*?)\n\s*>/s.exec(message)?.[1];
  const indent = /^\s*/.exec(block ?? "")?.[0] ?? "";
  return block?.replaceAll(new RegExp(`^${indent}`, "gm"), "");
}
