import { Http2Error } from "./frames.ts";

/**
 * The symbols of RFC 7541 appendix B by the length of their codes in bits; `a-b` is a range, 256 is the end of the string. The code is
 * canonical: within a length the codes count upwards in the order of the symbols, so the lengths are all there is to know.
 */
const symbolsByLength: readonly (readonly [bits: number, symbols: string])[] = [
  [5, "48-50 97 99 101 105 111 115-116"],
  [6, "32 37 45-47 51-57 61 65 95 98 100 102-104 108-110 112 114 117"],
  [7, "58 66-87 89 106-107 113 118-122"],
  [8, "38 42 44 59 88 90"],
  [10, "33-34 40-41 63"],
  [11, "39 43 124"],
  [12, "35 62"],
  [13, "0 36 64 91 93 126"],
  [14, "94 125"],
  [15, "60 96 123"],
  [19, "92 195 208"],
  [20, "128 130-131 162 184 194 224 226"],
  [21, "153 161 167 172 176-177 179 209 216-217 227 229-230"],
  [22, "129 132-134 136 146 154 156 160 163-164 169-170 173 178 181 185-187 189-190 196 198 228 232-233"],
  [23, "1 135 137-141 143 147 149-152 155 157-158 165-166 168 174-175 180 182-183 188 191 197 231 239"],
  [24, "9 142 144-145 148 159 171 206 215 225 236-237"],
  [25, "199 207 234-235"],
  [26, "192-193 200-202 205 210 213 218-219 238 240 242-243 255"],
  [27, "203-204 211-212 214 221-223 241 244-248 250-254"],
  [28, "2-8 11-12 14-21 23-31 127 220 249"],
  [30, "10 13 22 256"],
];

const endOfString = 256;
const inner = -1;

/** The code as a tree in one array: two cells a node, each the next node's number, or -2 - symbol at a leaf, or -1 where nothing is yet. */
const tree = growTree();

function growTree(): Int32Array {
  // 257 leaves make 256 inner nodes.
  const cells = new Int32Array(2 * 256).fill(inner);
  let nodes = 1;
  let code = 0;
  let lastBits = 0;
  for (const [bits, symbols] of symbolsByLength) {
    code *= 2 ** (bits - lastBits);
    lastBits = bits;
    for (const symbol of expand(symbols)) {
      let node = 0;
      for (let bit = bits - 1; bit > 0; bit--) {
        const cell = 2 * node + ((code >>> bit) & 1);
        if (cells[cell] === inner) cells[cell] = nodes++;
        node = cells[cell] ?? 0;
      }
      cells[2 * node + (code & 1)] = -2 - symbol;
      code++;
    }
  }
  return cells;
}

function expand(symbols: string): number[] {
  return symbols.split(" ").flatMap((part) => {
    const [first = 0, last = first] = part.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

/**
 * A string of RFC 7541 section 5.2, one character per byte.
 * @throws Http2Error where the padding is no beginning of the end-of-string code or longer than seven bits.
 */
export function decodeHuffman(bytes: Uint8Array): string {
  // The shortest code has five bits.
  const decoded = Buffer.allocUnsafe(Math.ceil((bytes.length * 8) / 5));
  let length = 0;
  let node = 0;
  let bitsInNode = 0;
  let onesInNode = true;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      const isOne = (byte >>> bit) & 1;
      const next = tree[2 * node + isOne] ?? inner;
      if (next < inner) {
        const symbol = -2 - next;
        if (symbol === endOfString) throw new Http2Error("a Huffman-coded header holds the end-of-string code");
        decoded[length++] = symbol;
        node = 0;
        bitsInNode = 0;
        onesInNode = true;
      } else {
        node = next;
        bitsInNode++;
        onesInNode &&= isOne === 1;
      }
    }
  }
  if (bitsInNode > 7 || !onesInNode) throw new Http2Error("a Huffman-coded header is padded wrongly");
  return decoded.toString("latin1", 0, length);
}
