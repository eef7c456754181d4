import { createServer, connect as http2Connect, sensitiveHeaders } from "node:http2";
import { type Duplex, duplexPair } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Frame, FrameSplitter, frameTypes, headerTableSizeSetting, settingOf, unpadded } from "./frames.ts";
import { encodeLiterals, type Header, HpackDecoder } from "./hpack.ts";

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");

const requests: Header[][] = [
  [
    [":method", "GET"],
    [":scheme", "http"],
    [":path", "/"],
    [":authority", "www.example.com"],
  ],
  [
    [":method", "GET"],
    [":scheme", "http"],
    [":path", "/"],
    [":authority", "www.example.com"],
    ["cache-control", "no-cache"],
  ],
  [
    [":method", "GET"],
    [":scheme", "https"],
    [":path", "/index.html"],
    [":authority", "www.example.com"],
    ["custom-key", "custom-value"],
  ],
];
const responses: Header[][] = [
  [
    [":status", "302"],
    ["cache-control", "private"],
    ["date", "Mon, 21 Oct 2013 20:13:21 GMT"],
    ["location", "https://www.example.com"],
  ],
  [
    [":status", "307"],
    ["cache-control", "private"],
    ["date", "Mon, 21 Oct 2013 20:13:21 GMT"],
    ["location", "https://www.example.com"],
  ],
  [
    [":status", "200"],
    ["cache-control", "private"],
    ["date", "Mon, 21 Oct 2013 20:13:22 GMT"],
    ["location", "https://www.example.com"],
    ["content-encoding", "gzip"],
    ["set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"],
  ],
];

describe("the examples of RFC 7541 appendix C", () => {
  it.each([
    ["C.2.1", "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572", ["custom-key", "custom-header"]],
    ["C.2.2", "040c 2f73 616d 706c 652f 7061 7468", [":path", "/sample/path"]],
    ["C.2.3", "1008 7061 7373 776f 7264 0673 6563 7265 74", ["password", "secret"]],
    ["C.2.4", "82", [":method", "GET"]],
  ])("decodes the header of %s", (_name, block, header) => {
    expect(new HpackDecoder().decode(hex(block))).toEqual([header]);
  });

  it.each([
    [
      "C.3, requests",
      requests,
      [
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 84be 5808 6e6f 2d63 6163 6865",
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
      ],
    ],
    [
      "C.4, requests in Huffman code",
      requests,
      [
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        "8286 84be 5886 a8eb 1064 9cbf",
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
      ],
    ],
    [
      "C.5, responses with eviction",
      responses,
      [
        `3fe1 01 4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e
         1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
        "4803 3330 37c1 c0bf",
        `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a
         4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31`,
      ],
    ],
    [
      "C.6, responses with eviction in Huffman code",
      responses,
      [
        `3fe1 01 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8
         e9ae 82ae 43d3`,
        "4883 640e ffc1 c0bf",
        `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960
         d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
      ],
    ],
  ])("decodes the sequence of %s", (_name, expected, blocks) => {
    const decoder = new HpackDecoder();
    expect(blocks.map((block) => decoder.decode(hex(block.replaceAll(/\s/g, ""))))).toEqual(expected);
  });
});

describe("a block that is not allowed", () => {
  it.each([
    ["index 0", "80"],
    ["an index that is in no table", "be"],
    ["a string that is longer than the block", "4005 6162"],
    ["an end within an integer", "1f"],
    ["an integer of more than 28 bits", "ffff ffff ffff 7f"],
    ["a table bigger than was allowed", "3fe2 1f"],
    ["a new table size behind a header", "8220"],
    ["Huffman padding of zeros", "0001 6181 18"],
    ["Huffman padding of eight bits", "0001 6182 1fff"],
    ["the code of the end of the string", "0001 6184 ffff ffff"],
  ])("refuses %s", (_name, block) => {
    expect(() => new HpackDecoder().decode(hex(block))).toThrow("header");
  });

  it("ends in an error or in headers, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (block) => {
        try {
          new HpackDecoder().decode(block);
        } catch (thrown) {
          expect(thrown).toHaveProperty("name", "Http2Error");
        }
      }),
    );
  });
});

it("takes a bigger table once it was announced", () => {
  const decoder = new HpackDecoder();
  decoder.allowTable(8192);
  expect(decoder.decode(hex("3fe1 3f 82"))).toEqual([[":method", "GET"]]);
});

it("reads back the literals that it writes", () => {
  const header = fc.tuple(fc.string({ unit: "binary-ascii" }), fc.string({ unit: "binary-ascii", maxLength: 400 }));
  fc.assert(
    fc.property(fc.array(header), (headers) => {
      expect(new HpackDecoder().decode(encodeLiterals(headers))).toEqual(headers);
    }),
  );
});

describe("node:http2 as the encoder", () => {
  const visible = fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)), maxLength: 300 });
  const name = fc.stringMatching(/^x-[a-z0-9]{1,12}$/);
  const calls = fc.array(fc.dictionary(name, visible, { maxKeys: 8 }), { minLength: 1, maxLength: 12 });

  it.each([0, 64, 4096, 65536])("is followed with a table of %i bytes", async (headerTableSize) => {
    await fc.assert(
      fc.asyncProperty(calls, async (sent) => {
        const seen = await headersOnTheWire(sent, headerTableSize);
        expect(seen).toEqual(sent.map((headers) => Object.entries(headers).sort()));
      }),
      { numRuns: 25 },
    );
  });
});

/** Sends each of `calls` as a request to a server that announces the table size, and decodes the `x-` headers of the bytes between. */
async function headersOnTheWire(calls: readonly Record<string, string>[], headerTableSize: number): Promise<Header[][]> {
  const server = createServer({ settings: { headerTableSize } }, (_request, response) => response.end());
  const [near, far] = duplexPair();
  const decoder = new HpackDecoder();
  const seen: Header[][] = [];
  watch(far, new FrameSplitter(false), (frame) => {
    if (frame.type === frameTypes.settings) decoder.allowTable(settingOf(frame, headerTableSizeSetting) ?? 0);
  });
  watch(near, new FrameSplitter(true), (frame) => {
    if (frame.type === frameTypes.headers) seen.push(decoder.decode(unpadded(frame)).filter(([header]) => header.startsWith("x-")));
  });
  server.emit("connection", far);
  const client = http2Connect("http://localhost", { createConnection: () => near });
  for (const headers of calls) {
    const [secret] = Object.keys(headers);
    const request = client.request({ ...headers, [sensitiveHeaders]: secret === undefined ? [] : [secret] });
    request.end();
    await new Promise((resolve) => request.resume().once("end", resolve));
  }
  client.destroy();
  return seen.map((headers) => headers.toSorted());
}

/** Cuts what is written to a stream into frames on its way. */
function watch(stream: Duplex, splitter: FrameSplitter, onFrame: (frame: Frame) => void): void {
  const write = stream._write.bind(stream);
  stream._write = (chunk: Buffer, encoding, callback) => {
    for (const frame of splitter.split(Buffer.from(chunk))) onFrame(frame);
    write(chunk, encoding, callback);
  };
}
