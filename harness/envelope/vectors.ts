import { z } from "zod";
import { concat, utf8 } from "./bytes.ts";
import type { RandomBytes } from "./sealing.ts";
import file from "./vectors.json" with { type: "json" };

const hex = z.string().transform((text) => fromHex(text));

/** Values stored by Kubernetes' own Go code, with what opens them; the two `upstream-legacy` are frozen records of Kubernetes' own tests. */
export const vectors = z
  .array(
    z.object({
      Name: z.string(),
      Provider: z.enum(["aescbc", "aesgcm", "secretbox", "kmsv1", "kmsv2"]),
      AAD: z.string().transform((text) => utf8(text)),
      /** The AES or secretbox key, the DEK or the seed. */
      Key: hex,
      Plain: hex,
      Stored: hex,
      Note: z.string(),
      StoredLen: z.number(),
      PlainLen: z.number(),
    }),
  )
  .parse(file);

export type Vector = (typeof vectors)[number];

export function vector(name: string): Vector {
  const found = vectors.find(({ Name }) => Name === name);
  if (found === undefined) throw new RangeError(`There is no vector ${name}.`);
  return found;
}

export function fromHex(text: string): Uint8Array {
  return concat(Buffer.from(text, "hex"));
}

/** Gives the bytes from the first to the last, so that sealing repeats what it was given. */
export function replay(bytes: Uint8Array): RandomBytes {
  let at = 0;
  return (length) => {
    at += length;
    return bytes.subarray(at - length, at);
  };
}

/** Calls `flipped` with a copy of the bytes for every byte of them, one bit of which is wrong. */
export function forEachFlip(bytes: Uint8Array, flipped: (bytes: Uint8Array, at: number) => void): void {
  for (let at = 0; at < bytes.length; at++) {
    const copy = concat(bytes);
    copy[at] = (copy[at] ?? 0) ^ (1 << (at % 8));
    flipped(copy, at);
  }
}
