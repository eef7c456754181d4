import { systemClock } from "../../harness/clock.ts";
import type { Defect } from "./defect.ts";

/** Defects of what only KMS v1 has: Version, and the limits of its ciphertext. */
export const defectsV1: readonly Defect[] = [
  {
    id: "v1-version-wrong",
    does: "Version answers v1.",
    caughtBy: ["plugin/v1-version"],
    spoil(plugin) {
      const { version } = plugin;
      plugin.version = () => ({ ...version(), version: "v1" });
    },
  },
  {
    id: "v1-version-empty",
    does: "Version answers nothing.",
    caughtBy: ["plugin/v1-version", "plugin/v1-version-runtime"],
    spoil(plugin) {
      plugin.version = () => ({ version: "", runtimeName: "", runtimeVersion: "" });
    },
  },
  {
    id: "v1-version-changes",
    does: "Version names another runtime at every call.",
    caughtBy: ["plugin/v1-version-stable"],
    spoil(plugin) {
      const { version } = plugin;
      let calls = 0;
      plugin.version = () => ({ ...version(), runtimeVersion: String(++calls) });
    },
  },
  {
    id: "v1-runtime-nameless",
    does: "Version does not name the runtime.",
    caughtBy: ["plugin/v1-version-runtime"],
    spoil(plugin) {
      const { version } = plugin;
      plugin.version = () => ({ ...version(), runtimeName: "" });
    },
  },
  {
    id: "v1-ciphertext-too-long",
    does: "A ciphertext has more bytes than two bytes can count.",
    caughtBy: ["plugin/v1-encrypt-ciphertext-limit", "plugin/v1-encrypt-ciphertext-short"],
    spoil(plugin) {
      const { seal } = plugin;
      plugin.seal = (plaintext, binding) => Buffer.concat([seal(plaintext, binding), new Uint8Array(65_536)]);
    },
  },
  {
    id: "v1-version-behind-others",
    does: "Version waits until no Decrypt has come for a while.",
    caughtBy: ["plugin/v1-version-under-load"],
    spoil(plugin) {
      let lastMs = Number.NEGATIVE_INFINITY;
      plugin.before = async ({ method, signal }) => {
        if (method === "Decrypt") lastMs = systemClock.monotonicMs();
        while (method === "Version" && systemClock.monotonicMs() - lastMs < 300 && !signal.aborted) await systemClock.sleep(20);
      };
    },
  },
  {
    id: "v1-version-hangs-on-others",
    does: "Version never answers a request of another version.",
    caughtBy: ["plugin/v1-other-versions"],
    spoil(plugin) {
      let isFirst = true;
      plugin.before = async ({ kms, method }) => {
        // The first one is asked for by who finds out what the plugin serves.
        if (kms === "v1" && method === "Version" && !isFirst) await new Promise(() => {});
        isFirst = false;
      };
    },
  },
];
