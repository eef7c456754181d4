import { createHash, randomBytes } from "node:crypto";
import { systemClock } from "../../harness/clock.ts";
import type { Defect } from "./defect.ts";
import { refuse } from "./healthy-plugin.ts";

/** Defects that checks of KMS v1 have to find: in Version, in the limits of its ciphertext, and in what it alone is looked at for. */
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
  {
    id: "v1-version-fails",
    does: "Version is refused.",
    caughtBy: ["plugin/v1-version"],
    spoil(plugin) {
      plugin.version = () => refuse("the KMS has not been asked yet");
    },
  },
  {
    id: "v1-version-sometimes-fails",
    does: "Every third Version is refused.",
    caughtBy: ["plugin/v1-version-stable", "plugin/v1-version-under-load"],
    spoil(plugin) {
      const { version } = plugin;
      let calls = 0;
      plugin.version = () => (++calls % 3 === 0 ? refuse("try again") : version());
    },
  },
  {
    id: "v1-version-refused-under-load",
    does: "Version is refused while eight other calls are under way.",
    caughtBy: ["plugin/v1-version-under-load"],
    spoil(plugin) {
      let underWay = 0;
      plugin.before = async ({ method }) => {
        if (method === "Version" && underWay > 8) refuse("busy");
        underWay++;
        await systemClock.sleep(2);
        underWay--;
      };
    },
  },
  {
    id: "v1-constant-keystream",
    does: "A plaintext is combined with constant secret bytes, behind a random number.",
    caughtBy: ["plugin/v1-encrypt-keystream", "plugin/v1-encrypt-prefix-fresh"],
    spoil(plugin) {
      const stream = randomBytes(65_536);
      const combined = (bytes: Uint8Array) => bytes.map((byte, at) => byte ^ (stream[at] ?? 0));
      plugin.seal = (plaintext) => Buffer.concat([randomBytes(16), combined(plaintext)]);
      plugin.open = (ciphertext) => combined(ciphertext.slice(16));
    },
  },
  {
    id: "v1-digest-of-plaintext",
    does: "A ciphertext has the SHA-256 of its plaintext in it.",
    caughtBy: ["plugin/v1-encrypt-prefix-fresh"],
    spoil(plugin) {
      const { seal, open } = plugin;
      const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();
      plugin.seal = (plaintext, binding) => Buffer.concat([digest(plaintext), seal(plaintext, binding)]);
      plugin.open = (ciphertext, binding) => {
        const opened = open(ciphertext.slice(32), binding);
        return digest(opened).equals(ciphertext.slice(0, 32)) ? opened : refuse("not the digest");
      };
    },
  },
  {
    id: "v1-base64-behind-name",
    does: "A ciphertext is a name and the plaintext, both in base64.",
    caughtBy: ["plugin/v1-encrypt-hides-plaintext"],
    spoil(plugin) {
      const name = "key:";
      plugin.seal = (plaintext) => Buffer.from(Buffer.concat([Buffer.from(name), plaintext]).toString("base64"));
      plugin.open = (ciphertext) => Buffer.from(Buffer.from(ciphertext).toString(), "base64").subarray(name.length);
    },
  },
  {
    id: "v1-eight-bytes-left",
    does: "The last eight bytes of a plaintext are left as they are.",
    caughtBy: ["plugin/v1-encrypt-hides-plaintext"],
    spoil(plugin) {
      const { seal, open } = plugin;
      plugin.seal = (plaintext, binding) => Buffer.concat([plaintext.slice(-8), seal(plaintext.slice(0, -8), binding)]);
      plugin.open = (ciphertext, binding) => Buffer.concat([open(ciphertext.slice(8), binding), ciphertext.slice(0, 8)]);
    },
  },
  {
    id: "v1-guesses-base64",
    does: "A plaintext that looks like base64 is decoded first.",
    caughtBy: ["plugin/v1-roundtrip-bytes"],
    spoil(plugin) {
      const { seal } = plugin;
      plugin.seal = (plaintext, binding) => {
        const text = Buffer.from(plaintext).toString("latin1");
        return seal(/^[A-Za-z0-9+/]{8,}=*$/.test(text) ? Buffer.from(text, "base64") : plaintext, binding);
      };
    },
  },
  {
    id: "v1-keys-only",
    does: "Nothing shorter than a key of 16 bytes is encrypted.",
    caughtBy: ["plugin/v1-roundtrip-ping", "plugin/v1-roundtrip-1"],
    spoil(plugin) {
      const { seal } = plugin;
      plugin.seal = (plaintext, binding) => (plaintext.length < 16 ? refuse("too short for a key") : seal(plaintext, binding));
    },
  },
  {
    id: "v1-pads-to-blocks-of-48",
    does: "Decrypt fills its answer up with zeros.",
    caughtBy: ["plugin/v1-roundtrip-dek", "plugin/v1-roundtrip-zeros"],
    spoil(plugin) {
      const { open } = plugin;
      plugin.open = (ciphertext, binding) => Buffer.concat([open(ciphertext, binding)], 48);
    },
  },
  {
    id: "v1-table-of-deks",
    does: "A ciphertext is a place in a table that has room for a hundred.",
    caughtBy: ["plugin/v1-decrypt-many"],
    spoil(plugin) {
      const table = new Map<string, Uint8Array>();
      plugin.seal = (plaintext) => {
        const place = randomBytes(48);
        table.set(place.toString("hex"), plaintext);
        const oldest = table.keys().next().value;
        if (table.size > 100 && oldest !== undefined) table.delete(oldest);
        return place;
      };
      plugin.open = (ciphertext) => table.get(Buffer.from(ciphertext).toString("hex")) ?? refuse("not in the table");
    },
  },
  {
    id: "v1-garbage-hangs",
    does: "What cannot be decrypted is tried again for ever.",
    caughtBy: ["plugin/v1-decrypt-anything", "plugin/v1-decrypt-random"],
    spoil(plugin) {
      const { open } = plugin;
      let isGarbage = false;
      plugin.open = (ciphertext, binding) => {
        try {
          isGarbage = false;
          return open(ciphertext, binding);
        } catch {
          isGarbage = true;
          return ciphertext;
        }
      };
      plugin.after = async (answer) => (isGarbage ? new Promise(() => {}) : answer);
    },
  },
  {
    id: "v1-short-ciphertext-kills",
    does: "A ciphertext without room for a tag ends the plugin, which is started again at once.",
    caughtBy: ["plugin/v1-decrypt-anything"],
    spoil(plugin) {
      plugin.before = async ({ method, payload }) => {
        if (method === "Decrypt" && payload.length < 16) plugin.dieAndReturn();
      };
    },
  },
  {
    id: "v1-large-request-kills",
    does: "A request of 64 KiB ends the plugin, which is started again at once.",
    caughtBy: ["plugin/v1-large-requests"],
    spoil(plugin) {
      plugin.before = async ({ payload }) => {
        if (payload.length >= 65_536) plugin.dieAndReturn();
      };
    },
  },
  {
    id: "v1-error-shows-numbers",
    does: "An error message shows the last plaintext as numbers.",
    caughtBy: ["plugin/v1-errors-hide-plaintext"],
    spoil(plugin) {
      const { seal, open } = plugin;
      let last: Uint8Array = new Uint8Array(0);
      plugin.seal = (plaintext, binding) => {
        last = plaintext;
        return seal(plaintext, binding);
      };
      plugin.open = (ciphertext, binding) => {
        try {
          return open(ciphertext, binding);
        } catch {
          return refuse(`not authentic: [${last.join(" ")}]`);
        }
      };
    },
  },
  {
    id: "v1-cancelled-keeps-slot",
    does: "Of eight slots for calls, one that is given up in its slot never gives it back.",
    caughtBy: ["plugin/v1-cancelled-calls"],
    spoil(plugin) {
      let slots = 8;
      plugin.before = async ({ signal }) => {
        while (slots === 0) await systemClock.sleep(2);
        slots--;
        await systemClock.sleep(2);
        if (!signal.aborted) slots++;
      };
    },
  },
];
