import { expect, it } from "vitest";
import { AnswerHeaders } from "./answer-headers.ts";
import { encodeLiterals, HpackDecoder } from "./hpack.ts";

const answer = [
  [":status", "200"],
  ["content-type", "application/grpc"],
];
const end = [["grpc-status", "0"]];

it("sends each block in full once, and then in two bytes and in one", () => {
  const [sent, decoder] = [new AnswerHeaders(), new HpackDecoder()];
  const blocks = [sent.headers(), sent.trailers(), sent.headers(), sent.trailers()];
  expect(blocks.map((block) => decoder.decode(block))).toEqual([answer, end, answer, end]);
  expect(blocks.slice(2).map(({ length }) => length)).toEqual([2, 1]);
});

it("means the same in whatever order answers begin and end", () => {
  const [sent, decoder] = [new AnswerHeaders(), new HpackDecoder()];
  for (const part of ["headers", "headers", "trailers", "headers", "trailers", "trailers"] as const) {
    expect(decoder.decode(sent[part]())).toEqual(part === "headers" ? answer : end);
  }
});

it("empties the table once where the client keeps less than it did, with whatever block comes next", () => {
  const [sent, decoder] = [new AnswerHeaders(), new HpackDecoder()];
  decoder.decode(sent.headers());
  sent.allowTable(4095);
  sent.allowTable(100);
  const literals = encodeLiterals([["grpc-status", "9"]]);
  const block = sent.block(literals);
  expect(decoder.decode(block)).toEqual([["grpc-status", "9"]]);
  expect(decoder.resizeBytes).toBe(1);
  expect(sent.block(literals)).toEqual(literals);
  expect([decoder.decode(sent.headers()), decoder.decode(sent.trailers())]).toEqual([answer, end]);
  expect(decoder.resizeBytes).toBe(0);
});

it("goes on as before where the client keeps more", () => {
  const sent = new AnswerHeaders();
  sent.headers();
  sent.allowTable(65_536);
  expect(sent.headers()).toHaveLength(2);
});
