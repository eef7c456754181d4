import { quoteCharacter } from "./go-text.ts";
import { type JsonField, type JsonValue, nestingMax, SyntaxFault } from "./json-value.ts";

/** Parses JSON as Go's encoding/json does. Throws {@link SyntaxFault} with its words. */
export function parseJson(text: string): JsonValue {
  const parser = new Parser(text);
  const value = parser.value(0);
  parser.end();
  return value;
}

const escapes: Readonly<Record<string, string>> = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
const words = ["true", "false", "null"] as const;

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): JsonValue {
    if (depth > nestingMax) throw new SyntaxFault("exceeded max depth");
    const next = this.#skipSpace();
    if (next === "{") return { type: "object", fields: this.#fields(depth) };
    if (next === "[") return { type: "array", items: this.#items(depth) };
    if (next === '"') return { type: "string", value: this.#string() };
    const word = words.find((each) => each.startsWith(next ?? ""));
    if (next !== undefined && word !== undefined) return this.#word(word);
    if (next !== undefined && /[-\d]/.test(next)) return { type: "number", literal: this.#number() };
    throw this.#unexpected("looking for beginning of value");
  }

  end(): void {
    if (this.#skipSpace() !== undefined) throw this.#unexpected("after top-level value");
  }

  #fields(depth: number): JsonField[] {
    const fields: JsonField[] = [];
    this.#at++;
    if (this.#skipSpace() === "}") {
      this.#at++;
      return fields;
    }
    for (;;) {
      if (this.#skipSpace() !== '"') throw this.#unexpected("looking for beginning of object key string");
      const name = this.#string();
      if (this.#skipSpace() !== ":") throw this.#unexpected("after object key");
      this.#at++;
      fields.push({ name, value: this.value(depth + 1) });
      const next = this.#skipSpace();
      if (next !== "," && next !== "}") throw this.#unexpected("after object key:value pair");
      this.#at++;
      if (next === "}") return fields;
    }
  }

  #items(depth: number): JsonValue[] {
    const items: JsonValue[] = [];
    this.#at++;
    if (this.#skipSpace() === "]") {
      this.#at++;
      return items;
    }
    for (;;) {
      items.push(this.value(depth + 1));
      const next = this.#skipSpace();
      if (next !== "," && next !== "]") throw this.#unexpected("after array element");
      this.#at++;
      if (next === "]") return items;
    }
  }

  #string(): string {
    let value = "";
    this.#at++;
    for (;;) {
      const next = this.#text[this.#at];
      if (next === undefined || next < " ") throw this.#unexpected("in string literal");
      this.#at++;
      if (next === '"') return value.toWellFormed();
      value += next === "\\" ? this.#escaped() : next;
    }
  }

  #escaped(): string {
    const next = this.#text[this.#at] ?? "";
    if (next === "u") {
      for (let digits = 0; digits < 4; digits++) {
        this.#at++;
        if (!/[\da-fA-F]/.test(this.#text[this.#at] ?? "")) throw this.#unexpected("in \\u hexadecimal character escape");
      }
      this.#at++;
      return String.fromCharCode(Number.parseInt(this.#text.slice(this.#at - 4, this.#at), 16));
    }
    const meant = escapes[next];
    if (meant === undefined) throw this.#unexpected("in string escape code");
    this.#at++;
    return meant;
  }

  #word(word: (typeof words)[number]): JsonValue {
    for (const letter of word) {
      if (this.#text[this.#at] !== letter) throw this.#unexpected(`in literal ${word} (expecting ${quoteCharacter(letter)})`);
      this.#at++;
    }
    return word === "null" ? { type: "null" } : { type: "bool", value: word === "true" };
  }

  #number(): string {
    const start = this.#at;
    if (this.#text[this.#at] === "-") this.#at++;
    if (this.#text[this.#at] === "0") this.#at++;
    else this.#digits("in numeric literal");
    if (this.#text[this.#at] === ".") {
      this.#at++;
      this.#digits("after decimal point in numeric literal");
    }
    if (/[eE]/.test(this.#text[this.#at] ?? "")) {
      this.#at++;
      if (/[-+]/.test(this.#text[this.#at] ?? "")) this.#at++;
      this.#digits("in exponent of numeric literal");
    }
    return this.#text.slice(start, this.#at);
  }

  #digits(place: string): void {
    const start = this.#at;
    while (/\d/.test(this.#text[this.#at] ?? "")) this.#at++;
    if (this.#at === start) throw this.#unexpected(place);
  }

  #skipSpace(): string | undefined {
    while (/[ \t\r\n]/.test(this.#text[this.#at] ?? "")) this.#at++;
    return this.#text[this.#at];
  }

  #unexpected(place: string): SyntaxFault {
    const [next] = this.#text.slice(this.#at, this.#at + 2);
    if (next === undefined) return new SyntaxFault("unexpected end of JSON input");
    return new SyntaxFault(`invalid character ${quoteCharacter(next)} ${place}`);
  }
}
