import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { systemClock } from "../../harness/clock.ts";
import type { Defect } from "./defect.ts";
import { type HealthyPlugin, refuse } from "./healthy-plugin.ts";

/** Defects that show in both versions of KMS. */
export const defectsOfBoth: readonly Defect[] = [
  {
    id: "ciphertext-empty",
    does: "Encrypt gives no ciphertext.",
    caughtBy: ["plugin/v2-encrypt-ciphertext-given", "plugin/v1-encrypt-ciphertext-given"],
    spoil(plugin) {
      plugin.seal = () => new Uint8Array(0);
    },
  },
  {
    id: "ciphertext-too-long",
    does: "A ciphertext has 1025 bytes.",
    caughtBy: ["plugin/v2-encrypt-ciphertext-limit", "plugin/v1-encrypt-ciphertext-short"],
    spoil(plugin) {
      const { seal, open } = plugin;
      plugin.seal = (plaintext, binding) => padded(seal(plaintext, binding), 1025);
      plugin.open = (ciphertext, binding) => open(ciphertext.slice(0, 68), binding);
    },
  },
  {
    id: "nonce-constant",
    does: "Every Encrypt uses the same nonce.",
    caughtBy: ["plugin/v2-encrypt-fresh", "plugin/v1-encrypt-fresh", "plugin/v2-encrypt-prefix-fresh", "plugin/v1-encrypt-prefix-fresh"],
    spoil(plugin) {
      plugin.nonce = () => Buffer.alloc(12, 7);
    },
  },
  {
    id: "keystream-constant",
    does: "A random number stands before what is otherwise the same ciphertext.",
    caughtBy: ["plugin/v2-encrypt-prefix-fresh", "plugin/v1-encrypt-prefix-fresh"],
    spoil(plugin) {
      const { seal, open } = plugin;
      plugin.nonce = () => Buffer.alloc(12, 7);
      plugin.seal = (plaintext, binding) => Buffer.concat([randomBytes(16), seal(plaintext, binding)]);
      plugin.open = (ciphertext, binding) => open(ciphertext.slice(16), binding);
    },
  },
  {
    id: "no-encryption",
    does: "A ciphertext is the plaintext with a header.",
    caughtBy: ["plugin/v2-encrypt-hides-plaintext", "plugin/v1-encrypt-hides-plaintext"],
    spoil(plugin) {
      plugin.seal = (plaintext) => Buffer.concat([randomBytes(8), plaintext]);
      plugin.open = (ciphertext) => ciphertext.slice(8);
    },
  },
  {
    id: "base64-only",
    does: "A ciphertext is the plaintext in base64.",
    caughtBy: ["plugin/v2-encrypt-hides-plaintext", "plugin/v1-encrypt-hides-plaintext"],
    spoil(plugin) {
      plugin.seal = (plaintext) => Buffer.from(Buffer.from(plaintext).toString("base64"));
      plugin.open = (ciphertext) => Buffer.from(Buffer.from(ciphertext).toString(), "base64");
    },
  },
  {
    id: "half-encrypted",
    does: "Only the first 16 bytes are encrypted.",
    caughtBy: ["plugin/v2-encrypt-hides-plaintext", "plugin/v1-encrypt-hides-plaintext"],
    spoil(plugin) {
      const { seal, open } = plugin;
      plugin.seal = (plaintext, binding) => Buffer.concat([plaintext.slice(16), seal(plaintext.slice(0, 16), binding)]);
      plugin.open = (ciphertext, binding) => {
        const length = Math.max(0, ciphertext.length - 52);
        return Buffer.concat([open(ciphertext.slice(length), binding), ciphertext.slice(0, length)]);
      };
    },
  },
  {
    id: "loses-last-byte",
    does: "Decrypt loses the last byte.",
    caughtBy: ["plugin/v2-roundtrip-seed", "plugin/v1-roundtrip-dek"],
    spoil(plugin) {
      const { open } = plugin;
      plugin.open = (ciphertext, binding) => open(ciphertext, binding).slice(0, -1);
    },
  },
  {
    id: "text-only",
    does: "Plaintexts go through text in UTF-8.",
    caughtBy: ["plugin/v2-roundtrip-bytes", "plugin/v1-roundtrip-bytes"],
    spoil(plugin) {
      const { seal } = plugin;
      plugin.seal = (plaintext, binding) => seal(Buffer.from(Buffer.from(plaintext).toString("utf8")), binding);
    },
  },
  {
    id: "trims-zeros",
    does: "Zeros at the end are taken for padding.",
    caughtBy: ["plugin/v2-roundtrip-zeros", "plugin/v1-roundtrip-zeros"],
    spoil(plugin) {
      const { open } = plugin;
      plugin.open = (ciphertext, binding) => {
        const opened = Buffer.from(open(ciphertext, binding));
        let { length } = opened;
        while (length > 0 && opened[length - 1] === 0) length--;
        return opened.subarray(0, length);
      };
    },
  },
  {
    id: "trims-blanks",
    does: "Blanks at the beginning and the end are taken away.",
    caughtBy: ["plugin/v2-roundtrip-zeros", "plugin/v1-roundtrip-zeros"],
    spoil(plugin) {
      const { seal } = plugin;
      plugin.seal = (plaintext, binding) => seal(Buffer.from(Buffer.from(plaintext).toString("latin1").trim(), "latin1"), binding);
    },
  },
  {
    id: "number-sized",
    does: "A plaintext is kept as a number, without the zeros before it.",
    caughtBy: ["plugin/v2-roundtrip-zeros", "plugin/v1-roundtrip-zeros"],
    spoil(plugin) {
      const { open } = plugin;
      plugin.open = (ciphertext, binding) => {
        const opened = Buffer.from(open(ciphertext, binding));
        const first = opened.findIndex((byte) => byte !== 0);
        return first < 0 ? Buffer.alloc(1) : opened.subarray(first);
      };
    },
  },
  {
    id: "seeds-only",
    does: "Nothing but 32 bytes is encrypted.",
    caughtBy: [
      "plugin/v2-roundtrip-1",
      "plugin/v1-roundtrip-1",
      "plugin/v2-roundtrip-16",
      "plugin/v1-roundtrip-16",
      "plugin/v2-roundtrip-33",
      "plugin/v1-roundtrip-33",
      "plugin/v1-roundtrip-ping",
    ],
    spoil(plugin) {
      const { seal } = plugin;
      plugin.seal = (plaintext, binding) => (plaintext.length === 32 ? seal(plaintext, binding) : refuse("a plaintext has 32 bytes"));
    },
  },
  {
    id: "blocks-only",
    does: "Plaintexts are padded to whole blocks, and the padding stays.",
    caughtBy: [
      "plugin/v2-roundtrip-1",
      "plugin/v1-roundtrip-1",
      "plugin/v2-roundtrip-33",
      "plugin/v1-roundtrip-33",
      "plugin/v1-roundtrip-ping",
    ],
    spoil(plugin) {
      const { seal } = plugin;
      plugin.seal = (plaintext, binding) => seal(padded(plaintext, Math.ceil(plaintext.length / 16) * 16), binding);
    },
  },
  {
    id: "short-limit",
    does: "No plaintext may have more than 512 bytes.",
    caughtBy: ["plugin/v2-roundtrip-long", "plugin/v1-roundtrip-long"],
    spoil(plugin) {
      const { seal } = plugin;
      plugin.seal = (plaintext, binding) => (plaintext.length <= 512 ? seal(plaintext, binding) : refuse("too long"));
    },
  },
  {
    id: "empty-hangs",
    does: "Encrypt never answers an empty plaintext.",
    caughtBy: ["plugin/v2-roundtrip-empty", "plugin/v1-roundtrip-empty"],
    spoil(plugin) {
      plugin.before = async ({ method, payload }) => {
        if (method === "Encrypt" && payload.length === 0) await never();
      };
    },
  },
  {
    id: "empty-becomes-zero",
    does: "No bytes come back as one.",
    caughtBy: ["plugin/v2-roundtrip-empty", "plugin/v1-roundtrip-empty"],
    spoil(plugin) {
      const { open } = plugin;
      plugin.open = (ciphertext, binding) => {
        const opened = open(ciphertext, binding);
        return opened.length === 0 ? new Uint8Array(1) : opened;
      };
    },
  },
  {
    id: "decrypts-thrice",
    does: "A ciphertext can be decrypted three times.",
    caughtBy: ["plugin/v2-decrypt-repeat", "plugin/v1-decrypt-repeat"],
    spoil(plugin) {
      const { open } = plugin;
      const counts = new Map<string, number>();
      plugin.open = (ciphertext, binding) => {
        const name = Buffer.from(ciphertext).toString("base64");
        const count = (counts.get(name) ?? 0) + 1;
        counts.set(name, count);
        return count > 3 ? refuse("used up") : open(ciphertext, binding);
      };
    },
  },
  {
    id: "empty-ciphertext-opens",
    does: "An empty ciphertext is decrypted to nothing.",
    caughtBy: ["plugin/v2-decrypt-empty", "plugin/v1-decrypt-empty"],
    spoil(plugin) {
      const { open } = plugin;
      plugin.open = (ciphertext, binding) => (ciphertext.length === 0 ? new Uint8Array(0) : open(ciphertext, binding));
    },
  },
  {
    id: "empty-ciphertext-kills",
    does: "An empty ciphertext ends the plugin.",
    caughtBy: ["plugin/v2-decrypt-empty", "plugin/v1-decrypt-empty"],
    spoil(plugin) {
      plugin.before = async ({ method, payload }) => {
        if (method === "Decrypt" && payload.length === 0) plugin.die();
      };
    },
  },
  {
    id: "short-ciphertext-kills",
    does: "A ciphertext shorter than its header ends the plugin.",
    caughtBy: ["plugin/v2-decrypt-truncated", "plugin/v1-decrypt-truncated"],
    spoil(plugin) {
      plugin.before = async ({ method, payload }) => {
        if (method === "Decrypt" && payload.length > 0 && payload.length < 8) plugin.die();
      };
    },
  },
  {
    id: "short-ciphertext-hangs",
    does: "A ciphertext without its tag is waited for.",
    caughtBy: ["plugin/v2-decrypt-truncated", "plugin/v1-decrypt-truncated"],
    spoil(plugin) {
      plugin.before = async ({ method, payload }) => {
        if (method === "Decrypt" && payload.length > 20 && payload.length < 36) await never();
      };
    },
  },
  {
    id: "stream-cipher",
    does: "Ciphertexts are not authenticated.",
    caughtBy: [
      "plugin/v2-decrypt-truncated",
      "plugin/v1-decrypt-truncated",
      "plugin/v2-decrypt-extended",
      "plugin/v1-decrypt-extended",
      "plugin/v2-decrypt-flipped",
      "plugin/v1-decrypt-flipped",
      "plugin/v2-decrypt-random",
      "plugin/v1-decrypt-random",
      "plugin/v2-decrypt-exchanged",
      "plugin/v1-decrypt-exchanged",
    ],
    spoil(plugin) {
      const key = randomBytes(32);
      plugin.seal = (plaintext) => {
        const counter = randomBytes(16);
        return Buffer.concat([counter, createCipheriv("aes-256-ctr", key, counter).update(plaintext)]);
      };
      plugin.open = (ciphertext) => {
        if (ciphertext.length < 16) refuse("too short");
        return createDecipheriv("aes-256-ctr", key, ciphertext.slice(0, 16)).update(ciphertext.slice(16));
      };
    },
  },
  {
    id: "trailing-bytes",
    does: "Bytes behind a ciphertext are passed over.",
    caughtBy: ["plugin/v2-decrypt-extended", "plugin/v1-decrypt-extended"],
    spoil(plugin) {
      const { seal, open } = plugin;
      plugin.seal = (plaintext, binding) => {
        const sealed = seal(plaintext, binding);
        return Buffer.concat([Uint8Array.of(sealed.length >> 8, sealed.length & 0xff), sealed]);
      };
      plugin.open = (ciphertext, binding) => {
        const length = 2 + (ciphertext[0] ?? 0) * 256 + (ciphertext[1] ?? 0);
        return ciphertext.length < length ? refuse("too short") : open(ciphertext.slice(2, length), binding);
      };
    },
  },
  {
    id: "header-ignored",
    does: "The first byte of a ciphertext may be anything.",
    caughtBy: ["plugin/v2-decrypt-flipped", "plugin/v1-decrypt-flipped"],
    spoil(plugin) {
      const { seal, open } = plugin;
      plugin.seal = (plaintext, binding) => Buffer.concat([Uint8Array.of(1), seal(plaintext, binding)]);
      plugin.open = (ciphertext, binding) => open(ciphertext.slice(1), binding);
    },
  },
  {
    id: "short-tag",
    does: "Only the first four bytes of a tag are looked at.",
    caughtBy: ["plugin/v2-decrypt-flipped", "plugin/v1-decrypt-flipped"],
    spoil(plugin) {
      const { seal, open } = plugin;
      const tags = new Map<string, Buffer>();
      plugin.seal = (plaintext, binding) => {
        const sealed = Buffer.from(seal(plaintext, binding));
        tags.set(sealed.subarray(0, -12).toString("hex"), sealed.subarray(-12));
        return sealed;
      };
      plugin.open = (ciphertext, binding) => {
        const head = Buffer.from(ciphertext).subarray(0, -12);
        return open(Buffer.concat([head, tags.get(head.toString("hex")) ?? ciphertext.slice(-12)]), binding);
      };
    },
  },
  {
    id: "garbage-for-strangers",
    does: "What is no ciphertext is decrypted to random bytes.",
    caughtBy: ["plugin/v2-decrypt-random", "plugin/v1-decrypt-random"],
    spoil(plugin) {
      const { open } = plugin;
      plugin.open = (ciphertext, binding) => {
        try {
          return open(ciphertext, binding);
        } catch {
          return randomBytes(32);
        }
      };
    },
  },
  {
    id: "blocks-by-themselves",
    does: "Each half of a ciphertext is authenticated by itself.",
    caughtBy: ["plugin/v2-decrypt-exchanged", "plugin/v1-decrypt-exchanged"],
    spoil(plugin) {
      const { seal, open } = plugin;
      plugin.seal = (plaintext, binding) => {
        const middle = Math.ceil(plaintext.length / 2);
        return Buffer.concat([seal(plaintext.slice(0, middle), binding), seal(plaintext.slice(middle), binding)]);
      };
      plugin.open = (ciphertext, binding) => {
        const middle = Math.ceil(ciphertext.length / 2);
        return Buffer.concat([open(ciphertext.slice(0, middle), binding), open(ciphertext.slice(middle), binding)]);
      };
    },
  },
  {
    id: "error-shows-ciphertext",
    does: "An error message holds the ciphertext in base64.",
    caughtBy: ["plugin/v2-errors-hide-plaintext", "plugin/v1-errors-hide-ciphertext"],
    spoil(plugin) {
      const { open } = plugin;
      const known = new Set<string>();
      const { seal } = plugin;
      plugin.seal = (plaintext, binding) => {
        const sealed = seal(plaintext, binding);
        known.add(Buffer.from(sealed).toString("base64"));
        return sealed;
      };
      plugin.open = (ciphertext, binding) => {
        try {
          return open(ciphertext, binding);
        } catch {
          return refuse(`cannot decrypt ${[...known].at(-1)}`);
        }
      };
    },
  },
  {
    id: "error-shows-plaintext",
    does: "An error message shows a plaintext that is too long in hex.",
    caughtBy: ["plugin/v2-errors-hide-plaintext", "plugin/v1-errors-hide-plaintext"],
    spoil(plugin) {
      const { seal } = plugin;
      plugin.seal = (plaintext, binding) =>
        plaintext.length > 4096 ? refuse(`too long: ${Buffer.from(plaintext.slice(0, 64)).toString("hex")}`) : seal(plaintext, binding);
    },
  },
  {
    id: "answers-mixed-up",
    does: "Two callers at once may get one another's answer.",
    caughtBy: ["plugin/v2-concurrent-callers", "plugin/v1-concurrent-callers"],
    spoil(plugin) {
      let last: Uint8Array = new Uint8Array(0);
      plugin.after = async (answer) => {
        last = answer;
        await nextTurn();
        return last;
      };
    },
  },
  {
    id: "refuses-crowds",
    does: "More than 40 calls at once are refused.",
    caughtBy: ["plugin/v2-concurrent-callers", "plugin/v1-concurrent-callers"],
    spoil(plugin) {
      let underWay = 0;
      plugin.before = async () => {
        underWay++;
        for (let turn = 0; turn < 50; turn++) await nextTurn();
        underWay--;
        if (underWay > 40) refuse("too many calls");
      };
    },
  },
  {
    id: "connections-leak",
    does: "After 100 connections no more are taken.",
    caughtBy: ["plugin/v2-connections", "plugin/v1-connections"],
    spoil(plugin) {
      plugin.connectionsMax = 100;
    },
  },
  {
    id: "cancelled-keeps-lock",
    does: "A call that was given up keeps its lock.",
    caughtBy: ["plugin/v2-cancelled-calls", "plugin/v1-cancelled-calls"],
    spoil(plugin) {
      let isLocked = false;
      plugin.before = async ({ method, signal }) => {
        if (method === "Decrypt") await nextTurn();
        if (signal.aborted) isLocked = true;
        while (isLocked) await never();
      };
    },
  },
  {
    id: "large-request-kills",
    does: "A request of 64 KiB ends the plugin.",
    caughtBy: ["plugin/v2-large-requests", "plugin/v1-large-requests"],
    spoil(plugin) {
      plugin.before = async ({ payload }) => {
        if (payload.length >= 65_536) plugin.die();
      };
    },
  },
  {
    id: "large-request-hangs",
    does: "A request of 64 KiB is never answered.",
    caughtBy: ["plugin/v2-large-requests", "plugin/v1-large-requests"],
    spoil(plugin) {
      plugin.before = async ({ payload }) => {
        if (payload.length >= 65_536) await never();
      };
    },
  },
  {
    id: "malformed-tolerated",
    does: "What is no protobuf message is taken for an empty one.",
    caughtBy: ["plugin/v2-malformed-messages", "plugin/v1-malformed-messages"],
    spoil(plugin) {
      plugin.toleratesMalformed = true;
    },
  },
  {
    id: "unknown-fields-refused",
    does: "A request with a field that is not known is refused.",
    caughtBy: ["plugin/v2-unknown-fields", "plugin/v1-unknown-fields"],
    spoil(plugin) {
      plugin.refusesUnknownFields = true;
    },
  },
  {
    id: "unknown-methods-answered",
    does: "Methods that there are not are answered.",
    caughtBy: ["plugin/v2-unknown-method", "plugin/v1-unknown-method"],
    spoil(plugin) {
      plugin.answersUnknownMethods = true;
    },
  },
  {
    id: "too-slow",
    does: "Encrypt takes longer than the deadline.",
    caughtBy: ["plugin/v2-latency-deadline", "plugin/v1-latency-deadline"],
    spoil(plugin) {
      plugin.before = async ({ method }) => {
        if (method === "Encrypt") await never();
      };
    },
  },
  {
    id: "slow",
    does: "Every call takes almost half a second.",
    caughtBy: ["plugin/v2-latency-margin", "plugin/v1-latency-margin"],
    spoil(plugin) {
      plugin.before = async () => systemClock.sleep(400);
    },
  },
  {
    id: "rotation-forgets",
    does: "A rotation throws the old key away.",
    caughtBy: ["plugin/v2-rotate-old-data", "plugin/v1-rotate-old-data"],
    spoil(plugin) {
      plugin.rotate = () => {
        plugin.keys.clear();
        plugin.addKey();
      };
    },
  },
  {
    id: "restart-forgets",
    does: "The keys are gone after a restart.",
    caughtBy: ["plugin/v2-restart-old-data", "plugin/v1-restart-old-data"],
    spoil(plugin) {
      plugin.restarted = () => {
        plugin.keys.clear();
        plugin.addKey();
      };
    },
  },
  {
    id: "socket-open",
    does: "Anybody may connect to the socket.",
    caughtBy: ["plugin/v2-socket-mode"],
    spoil(plugin) {
      plugin.socketMode = 0o666;
    },
  },
  {
    id: "keeps-two-keys",
    does: "A rotation throws away all keys but the last two.",
    caughtBy: ["plugin/v2-rotate-oldest-data", "plugin/v1-rotate-oldest-data"],
    spoil(plugin) {
      plugin.rotate = () => {
        plugin.addKey();
        const [oldest] = plugin.keys.keys();
        if (plugin.keys.size > 2 && oldest !== undefined) plugin.keys.delete(oldest);
      };
    },
  },
  {
    id: "new-key-unsaved",
    does: "A restart knows nothing of the keys that came by a rotation.",
    caughtBy: ["plugin/v2-restart-rotated-data", "plugin/v1-restart-rotated-data"],
    spoil(plugin) {
      plugin.restarted = () => {
        const [first] = plugin.keys.entries();
        plugin.keys.clear();
        if (first !== undefined) plugin.keys.set(...first);
      };
    },
  },
  {
    id: "nonce-counted-from-start",
    does: "Nonces are counted, and the count begins again with every start.",
    caughtBy: ["plugin/v2-restart-fresh", "plugin/v1-restart-fresh"],
    spoil(plugin) {
      let count = 0;
      plugin.nonce = () => {
        const nonce = Buffer.alloc(12);
        nonce.writeUInt32BE(++count, 8);
        return nonce;
      };
      plugin.restarted = () => {
        count = 0;
      };
    },
  },
  {
    id: "decrypt-cache-by-beginning",
    does: "What was decrypted is kept, and found again by the first 24 bytes of the ciphertext.",
    caughtBy: [
      "plugin/v2-decrypt-flipped",
      "plugin/v1-decrypt-flipped",
      "plugin/v2-decrypt-truncated",
      "plugin/v1-decrypt-truncated",
      "plugin/v2-decrypt-extended",
      "plugin/v1-decrypt-extended",
      "plugin/v2-decrypt-exchanged",
      "plugin/v1-decrypt-exchanged",
    ],
    spoil: (plugin) => keepDecrypted(plugin, (ciphertext) => Buffer.from(ciphertext).toString("hex", 0, 24)),
  },
  {
    id: "decrypt-cache-by-ciphertext",
    does: "What was decrypted is kept, and found again by the ciphertext alone.",
    caughtBy: [
      "plugin/v2-decrypt-unknown-keyid",
      "plugin/v2-decrypt-empty-keyid",
      "plugin/v2-decrypt-annotations-changed",
      "plugin/v2-decrypt-annotations-missing",
    ],
    spoil: (plugin) => keepDecrypted(plugin, (ciphertext) => Buffer.from(ciphertext).toString("hex")),
  },
];

function padded(bytes: Uint8Array, length: number): Uint8Array {
  return Buffer.concat([bytes], length);
}

function never(): Promise<never> {
  return new Promise(() => {});
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function keepDecrypted(plugin: HealthyPlugin, keyOf: (ciphertext: Uint8Array) => string): void {
  const kept = new Map<string, Uint8Array>();
  const { open } = plugin;
  plugin.open = (ciphertext, binding) => {
    const key = `${binding.kms} ${keyOf(ciphertext)}`;
    const plaintext = kept.get(key) ?? open(ciphertext, binding);
    kept.set(key, plaintext);
    return plaintext;
  };
}
