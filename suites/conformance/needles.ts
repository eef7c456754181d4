/** Where something was found. */
export interface Found {
  readonly label: string;
  /** How it was spelled there: `as it is`, `base64`. */
  readonly spelling: string;
  readonly times: number;
}

interface Needle {
  readonly label: string;
  readonly spelling: string;
  readonly bytes: Uint8Array;
}

/** The shortest that is looked for: what is shorter stands somewhere by chance. */
const bytesMin = 12;
const bucketBits = 20;

/**
 * Looks for many things at once, in every spelling in which programs write bytes: as they are, base64 in either alphabet and at any
 * alignment, hexadecimal, and the lists of decimals that Go and JavaScript print.
 */
export class Needles {
  readonly #byHead = new Map<number, Needle[]>();
  readonly #buckets = new Uint8Array(1 << bucketBits);
  #bytesLongest = 0;

  /** @throws RangeError for what is too short to be told from chance. */
  constructor(things: Iterable<readonly [label: string, bytes: Uint8Array]>) {
    for (const [label, thing] of things) {
      if (thing.length < bytesMin) throw new RangeError(`${label} has ${thing.length} bytes, too few to be looked for.`);
      for (const [spelling, bytes] of spellings(thing)) this.#add({ label, spelling, bytes });
    }
  }

  /** Reads to the end. Chunks may be cut anywhere. */
  async in(chunks: AsyncIterable<Uint8Array>): Promise<{ readonly bytes: number; readonly found: readonly Found[] }> {
    const times = new Map<Needle, number>();
    let rest: Uint8Array = new Uint8Array();
    let bytes = 0;
    for await (const chunk of chunks) {
      bytes += chunk.length;
      const text = Buffer.concat([rest, chunk]);
      // What begins in the last bytes may end in the next chunk: it is looked for there.
      const end = Math.max(0, text.length - this.#bytesLongest + 1);
      this.#scan(text, end, times);
      rest = text.subarray(end);
    }
    this.#scan(rest, rest.length, times);
    return { bytes, found: [...times].map(([{ label, spelling }, count]) => ({ label, spelling, times: count })) };
  }

  #add(needle: Needle): void {
    const head = headOf(needle.bytes, 0);
    const others = this.#byHead.get(head);
    if (others === undefined) this.#byHead.set(head, [needle]);
    else others.push(needle);
    this.#buckets[bucketOf(head)] = 1;
    this.#bytesLongest = Math.max(this.#bytesLongest, needle.bytes.length);
  }

  #scan(text: Uint8Array, end: number, times: Map<Needle, number>): void {
    for (let at = 0; at < end && at + bytesMin <= text.length; at++) {
      const head = headOf(text, at);
      if (this.#buckets[bucketOf(head)] === 0) continue;
      for (const needle of this.#byHead.get(head) ?? []) {
        if (standsAt(text, at, needle.bytes)) times.set(needle, (times.get(needle) ?? 0) + 1);
      }
    }
  }
}

/** How programs write bytes, each different spelling once. */
function spellings(bytes: Uint8Array): [spelling: string, bytes: Uint8Array][] {
  const buffer = Buffer.from(bytes);
  const hex = buffer.toString("hex");
  const decimals = [...bytes].map(String);
  const texts: readonly (readonly [string, string])[] = [
    ...base64Cores(buffer, "base64").map((text) => ["base64", text] as const),
    ...base64Cores(buffer, "base64url").map((text) => ["base64url", text] as const),
    ["hex", hex],
    ["HEX", hex.toUpperCase()],
    ["hex with spaces", [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ")],
    ["decimals", decimals.join(" ")],
    ["decimals with commas", decimals.join(",")],
    ["decimals with commas and spaces", decimals.join(", ")],
  ];
  const different: [string, Uint8Array][] = [["as it is", buffer]];
  const known = new Set([buffer.toString("latin1")]);
  for (const [spelling, text] of texts) {
    if (known.has(text)) continue;
    known.add(text);
    different.push([spelling, Buffer.from(text)]);
  }
  return different;
}

/** What base64 makes of the bytes alone wherever they begin among others: without the characters that neighbours have a part in. */
function base64Cores(bytes: Buffer, alphabet: "base64" | "base64url"): string[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString(alphabet);
    const bits = (before + bytes.length) * 8;
    return text.slice(Math.ceil((before * 8) / 6), Math.floor(bits / 6));
  });
}

/** Its first four bytes. */
function headOf(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>> 0;
}

function bucketOf(head: number): number {
  return Math.imul(head, 0x9e3779b1) >>> (32 - bucketBits);
}

function standsAt(text: Uint8Array, at: number, needle: Uint8Array): boolean {
  if (at + needle.length > text.length) return false;
  for (let index = 0; index < needle.length; index++) if (text[at + index] !== needle[index]) return false;
  return true;
}
