/** A value as Go's JSON decoder meets it: a number as it is written, an object with all its fields, also those that it has twice. */
export type JsonValue =
  | { readonly type: "null" }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "number"; readonly literal: string }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "array"; readonly items: readonly JsonValue[] }
  | { readonly type: "object"; readonly fields: readonly JsonField[] };

export interface JsonField {
  readonly name: string;
  readonly value: JsonValue;
}

/** A text that is no JSON or YAML, in the words of Go's parsers. Caught by those who call a parser. */
export class SyntaxFault extends Error {}

/** Go's decoders refuse what is nested deeper; here it also keeps a parser within its stack. */
export const nestingMax = 1000;
