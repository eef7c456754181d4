import { systemClock } from "../../harness/clock.ts";
import type { Defect } from "./defect.ts";
import { refuse } from "./healthy-plugin.ts";

/** Defects of what only KMS v2 has: Status, the key_id, annotations. */
export const defectsV2: readonly Defect[] = [
  {
    id: "version-v3",
    does: "Status names a version that kube-apiserver does not know.",
    caughtBy: ["plugin/v2-status-version"],
    spoil(plugin) {
      const { status } = plugin;
      plugin.status = () => ({ ...status(), version: "v3" });
    },
  },
  {
    id: "version-empty",
    does: "Status names no version.",
    caughtBy: ["plugin/v2-status-version"],
    spoil(plugin) {
      const { status } = plugin;
      plugin.status = () => ({ ...status(), version: "" });
    },
  },
  {
    id: "version-beta",
    does: "Status still names the beta.",
    caughtBy: ["plugin/v2-status-version-current"],
    spoil(plugin) {
      const { status } = plugin;
      plugin.status = () => ({ ...status(), version: "v2beta1" });
    },
  },
  {
    id: "version-changes",
    does: "Every tenth Status names another version.",
    caughtBy: ["plugin/v2-status-version-stable"],
    spoil(plugin) {
      const { status } = plugin;
      let polls = 0;
      plugin.status = () => ({ ...status(), version: ++polls % 10 === 0 ? "v2beta1" : "v2" });
    },
  },
  {
    id: "healthz-capital",
    does: "Status says OK instead of ok.",
    caughtBy: ["plugin/v2-status-healthz"],
    spoil(plugin) {
      const { status } = plugin;
      plugin.status = () => ({ ...status(), healthz: "OK" });
    },
  },
  {
    id: "healthz-flaps",
    does: "Every seventh Status says that the plugin is not healthy.",
    caughtBy: ["plugin/v2-status-healthz"],
    spoil(plugin) {
      const { status } = plugin;
      let polls = 0;
      plugin.status = () => ({ ...status(), healthz: ++polls % 7 === 0 ? "unavailable" : "ok" });
    },
  },
  {
    id: "keyid-empty",
    does: "There is no key_id.",
    caughtBy: ["plugin/v2-status-keyid-given"],
    spoil(plugin) {
      plugin.keyId = () => "";
      plugin.namesKey = () => true;
    },
  },
  {
    id: "keyid-too-long",
    does: "The key_id has 1025 bytes.",
    caughtBy: ["plugin/v2-status-keyid-limit"],
    spoil(plugin) {
      plugin.keyId = () => plugin.current().padEnd(1025, "x");
      plugin.namesKey = (keyId, name) => keyId === name.padEnd(1025, "x");
    },
  },
  {
    id: "keyid-long",
    does: "The key_id is a name of 300 bytes that is stored with every object.",
    caughtBy: ["plugin/v2-status-keyid-short"],
    spoil(plugin) {
      plugin.keyId = () => plugin.current().padEnd(300, "x");
      plugin.namesKey = (keyId, name) => keyId === name.padEnd(300, "x");
    },
  },
  {
    id: "keyid-counts",
    does: "The key_id changes with every Status.",
    caughtBy: ["plugin/v2-status-keyid-stable"],
    spoil(plugin) {
      let polls = 0;
      plugin.keyId = () => `${plugin.current()}-${++polls}`;
      plugin.namesKey = (keyId, name) => keyId.startsWith(name);
    },
  },
  {
    id: "keyid-flips-now-and-then",
    does: "Every fortieth Status names another key_id, as one of several replicas would that is behind.",
    caughtBy: ["plugin/v2-status-keyid-stable"],
    spoil(plugin) {
      const { status } = plugin;
      let polls = 0;
      plugin.status = () => (++polls % 40 === 0 ? { ...status(), keyId: "replica-behind" } : status());
    },
  },
  {
    id: "encrypt-other-keyid",
    does: "Encrypt names the key in another form than Status.",
    caughtBy: ["plugin/v2-encrypt-keyid"],
    spoil(plugin) {
      plugin.encryptKeyId = () => plugin.current().toUpperCase();
      plugin.namesKey = (keyId, name) => keyId.toLowerCase() === name;
      plugin.bound = () => Buffer.alloc(0);
    },
  },
  {
    id: "encrypt-other-keyid-rarely",
    does: "Every fifteenth Encrypt names another key_id.",
    caughtBy: ["plugin/v2-encrypt-keyid"],
    spoil(plugin) {
      let calls = 0;
      plugin.encryptKeyId = () => (++calls % 15 === 0 ? "another" : plugin.keyId());
    },
  },
  {
    id: "annotations-show-plaintext",
    does: "An annotation holds the plaintext in base64.",
    caughtBy: ["plugin/v2-annotations-hide-plaintext"],
    spoil(plugin) {
      plugin.annotations = (plaintext) => new Map([["debug.kms.kmsmark.test", Buffer.from(Buffer.from(plaintext).toString("base64"))]]);
    },
  },
  {
    id: "annotations-one-segment",
    does: "An annotation has a name of one segment.",
    caughtBy: ["plugin/v2-annotations-names"],
    spoil(plugin) {
      plugin.annotations = () => new Map([["version", Uint8Array.of(1)]]);
    },
  },
  {
    id: "annotations-capital",
    does: "An annotation has capital letters in its name.",
    caughtBy: ["plugin/v2-annotations-names"],
    spoil(plugin) {
      plugin.annotations = () => new Map([["keyVersion.kms.kmsmark.test", Uint8Array.of(1)]]);
    },
  },
  {
    id: "annotations-slash",
    does: "An annotation is named as those of Kubernetes objects are.",
    caughtBy: ["plugin/v2-annotations-names"],
    spoil(plugin) {
      plugin.annotations = () => new Map([["kmsmark.test/version", Uint8Array.of(1)]]);
    },
  },
  {
    id: "annotations-too-large",
    does: "The annotations have more than 32 KiB.",
    caughtBy: ["plugin/v2-annotations-size"],
    spoil(plugin) {
      const certificate = new Uint8Array(32_768);
      plugin.annotations = () => new Map([["certificate.kms.kmsmark.test", certificate]]);
    },
  },
  {
    id: "annotations-ignored",
    does: "Decrypt takes any annotations.",
    caughtBy: ["plugin/v2-decrypt-annotations-changed", "plugin/v2-decrypt-annotations-missing"],
    spoil(plugin) {
      plugin.bound = ({ keyId }) => Buffer.from(keyId);
    },
  },
  {
    id: "annotations-optional",
    does: "Decrypt goes on without annotations where there are none.",
    caughtBy: ["plugin/v2-decrypt-annotations-missing"],
    spoil(plugin) {
      const { open, annotations } = plugin;
      plugin.open = (ciphertext, binding) =>
        open(ciphertext, binding.annotations.size === 0 ? { ...binding, annotations: annotations(ciphertext) } : binding);
    },
  },
  {
    id: "keyid-ignored",
    does: "Decrypt takes any key_id.",
    caughtBy: ["plugin/v2-decrypt-unknown-keyid", "plugin/v2-decrypt-empty-keyid", "plugin/v2-rotate-new-key"],
    spoil(plugin) {
      plugin.namesKey = () => true;
      plugin.bound = () => Buffer.alloc(0);
    },
  },
  {
    id: "keyid-empty-means-current",
    does: "Decrypt takes an empty key_id for the current key's.",
    caughtBy: ["plugin/v2-decrypt-empty-keyid"],
    spoil(plugin) {
      const { open } = plugin;
      plugin.open = (ciphertext, binding) => open(ciphertext, binding.keyId === "" ? { ...binding, keyId: plugin.current() } : binding);
    },
  },
  {
    id: "uid-bound",
    does: "Decrypt wants the uid of Encrypt.",
    caughtBy: ["plugin/v2-uid-ignored"],
    spoil(plugin) {
      plugin.bound = ({ uid }) => Buffer.from(uid);
    },
  },
  {
    id: "rotation-keeps-keyid",
    does: "A rotation makes a new key under the old key_id.",
    caughtBy: ["plugin/v2-rotate-keyid"],
    spoil(plugin) {
      plugin.keyId = () => "the-key";
      plugin.namesKey = () => true;
      plugin.bound = () => Buffer.alloc(0);
    },
  },
  {
    id: "rotation-changes-keyid-twice",
    does: "Some polls after a rotation the key_id changes once more.",
    caughtBy: ["plugin/v2-rotate-keyid-once"],
    spoil(plugin) {
      const { rotate, status } = plugin;
      let left = Number.POSITIVE_INFINITY;
      plugin.rotate = () => {
        rotate();
        left = 8;
      };
      plugin.status = () => {
        if (--left === 0) rotate();
        return status();
      };
    },
  },
  {
    id: "rotation-encrypt-late",
    does: "Encrypt goes on naming the old key_id after Status names the new one.",
    caughtBy: ["plugin/v2-rotate-keyid-once"],
    spoil(plugin) {
      const { rotate } = plugin;
      let old: string | undefined;
      plugin.rotate = () => {
        old = plugin.keyId();
        rotate();
      };
      plugin.encryptKeyId = () => old ?? plugin.keyId();
    },
  },
  {
    id: "rotation-back-and-forth",
    does: "Rotations alternate between two key_ids.",
    caughtBy: ["plugin/v2-rotate-keyid-new"],
    spoil(plugin) {
      let rotations = 0;
      plugin.keyId = () => (rotations % 2 === 0 ? "blue" : "green");
      plugin.rotate = () => {
        rotations++;
        plugin.addKey();
      };
      plugin.namesKey = () => true;
      plugin.bound = () => Buffer.alloc(0);
    },
  },
  {
    id: "restart-new-keyid",
    does: "The key_id has the time of the start in it.",
    caughtBy: ["plugin/v2-restart-keyid"],
    spoil(plugin) {
      plugin.keyId = () => `${plugin.current()}-start-${plugin.starts}`;
      plugin.namesKey = (keyId, name) => keyId.startsWith(name);
      plugin.bound = () => Buffer.alloc(0);
    },
  },
  {
    id: "status-behind-others",
    does: "Status waits until no Decrypt has come for a while.",
    caughtBy: ["plugin/v2-status-under-load"],
    spoil(plugin) {
      let lastMs = Number.NEGATIVE_INFINITY;
      plugin.before = async ({ method, signal }) => {
        if (method === "Decrypt") lastMs = systemClock.monotonicMs();
        while (method === "Status" && systemClock.monotonicMs() - lastMs < 300 && !signal.aborted) await systemClock.sleep(20);
      };
    },
  },
  {
    id: "authority-checked",
    does: "Callers under another authority than localhost are refused.",
    caughtBy: ["plugin/v2-authority", "plugin/v1-authority"],
    spoil(plugin) {
      plugin.before = async ({ authority }) => {
        if (authority !== "localhost") refuse("unknown authority");
      };
    },
  },
];
