import type { Scalar } from "yaml";
import { base64Length } from "./go-text.ts";
import { type JsonValue, SyntaxFault } from "./json-value.ts";

const tagPrefix = "tag:yaml.org,2002:";
const truths = ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"];
const untruths = ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"];
const nulls = ["", "~", "null", "Null", "NULL"];

/** What a scalar stands for in go.yaml.in/yaml/v2: a word, a number, or else a text. Dates stay texts. */
export function scalarValue({ source = "", type, tag }: Scalar): JsonValue {
  const text = { type: "string", value: source } as const;
  if (tag === undefined) return type === "PLAIN" ? plainValue(source) : text;
  const name = tag.startsWith(tagPrefix) ? tag.slice(tagPrefix.length) : "";
  if (name === "binary") {
    if (base64Length(source) === undefined) throw new SyntaxFault("yaml: !!binary value contains invalid base64 data");
    return { type: "string", value: Buffer.from(source, "base64").toString() };
  }
  const wanted = new Map<string, JsonValue["type"]>([
    ["bool", "bool"],
    ["int", "number"],
    ["float", "number"],
    ["null", "null"],
  ]).get(name);
  if (wanted === undefined) return text;
  const value = plainValue(source);
  // The value may be a key: it is not shown.
  if (value.type !== wanted) throw new SyntaxFault(`yaml: cannot decode !!${value.type} \`REDACTED\` as a !!${name}`);
  return value;
}

function plainValue(source: string): JsonValue {
  if (nulls.includes(source)) return { type: "null" };
  if (truths.includes(source)) return { type: "bool", value: true };
  if (untruths.includes(source)) return { type: "bool", value: false };
  if (/^\.(nan|NaN|NAN)$/.test(source)) throw new SyntaxFault("json: unsupported value: NaN");
  const infinite = /^([-+]?)\.(inf|Inf|INF)$/.exec(source);
  if (infinite !== null) throw new SyntaxFault(`json: unsupported value: ${infinite[1] === "-" ? "-" : "+"}Inf`);
  const literal = source.startsWith(".") ? floatLiteral(source) : numberLiteral(source.replaceAll("_", ""));
  return literal === undefined ? { type: "string", value: source } : { type: "number", literal };
}

function numberLiteral(source: string): string | undefined {
  const [, sign = "", octal = "", other = ""] = /^([-+]?)(?:0[oO]?([0-7]+)|(0[xX][\da-fA-F]+|0[bB][01]+|0|[1-9]\d*))$/.exec(source) ?? [];
  if (octal === "" && other === "") return floatLiteral(source);
  const size = BigInt(octal === "" ? other : `0o${octal}`);
  const value = sign === "-" ? -size : size;
  const isInteger = value >= -(2n ** 63n) && value < (sign === "" ? 2n ** 64n : 2n ** 63n);
  return isInteger ? value.toString() : floatLiteral(source);
}

function floatLiteral(source: string): string | undefined {
  if (!/^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$/.test(source)) return undefined;
  const value = Number(source);
  // JavaScript and Go write a float alike, from the same powers of ten on with an exponent.
  return Number.isFinite(value) ? String(value) : undefined;
}
