import { quote } from "./go-text.ts";
import type { JsonValue } from "./json-value.ts";

/** Where a value stands: in Go's words for the types, and in the file's for the fields. */
export interface Place {
  /** The struct that its field belongs to, `KMSConfiguration`. */
  readonly struct: string;
  /** `resources.providers.kms.name` */
  readonly field: string;
  /** `resources[0].providers[1].kms.name` */
  readonly path: string;
}

/** What does not fit the types. Go stops at the first of `fatal`; only where there is none it tells of the others. */
export class Misfits {
  /** Of what a type's own decoder said, which ends the decoding. */
  readonly ending: string[] = [];
  /** Values of a wrong type. */
  readonly wrong: string[] = [];
  /** Fields that are unknown, or given twice. */
  readonly strict: string[] = [];

  add(others: Misfits): void {
    this.ending.push(...others.ending);
    this.wrong.push(...others.wrong);
    this.strict.push(...others.strict);
  }
}

/** A Go type: how a JSON value becomes one of its values, as encoding/json does it strictly (sigs.k8s.io/json). */
export interface GoType<Value> {
  /** As Go writes it, `[]v1.Key`. */
  readonly name: string;
  /** What it is where nothing or null is given. */
  zero(): Value;
  read(value: JsonValue, place: Place, misfits: Misfits): Value;
}

/** A string. */
export const text: GoType<string> = {
  name: "string",
  zero: () => "",
  read(value, place, misfits) {
    if (value.type === "string") return value.value;
    wrongType(value, "string", place, misfits);
    return "";
  },
};

/** A whole number of 32 bits; one with a point or exponent is none, whatever it amounts to. */
export const int32: GoType<number> = {
  name: "int32",
  zero: () => 0,
  read(value, place, misfits) {
    if (value.type !== "number") wrongType(value, "int32", place, misfits);
    else {
      const number = Number(value.literal);
      if (/^-?\d+$/.test(value.literal) && number >= -(2 ** 31) && number < 2 ** 31) return number;
      misfits.wrong.push(`json: cannot unmarshal number ${value.literal} into ${describe(place)} of type int32`);
    }
    return 0;
  },
};

/** A string that is parsed further; a fault of that ends the decoding. */
export function parsed<Value>(parse: (text: string) => { readonly value: Value } | { readonly fault: string }): GoType<Value | undefined> {
  return {
    name: "string",
    zero: () => undefined,
    read(value, place, misfits) {
      if (value.type !== "string") {
        misfits.ending.push(wrongTypeWords(value, "string", place));
        return undefined;
      }
      const result = parse(value.value);
      if ("value" in result) return result.value;
      misfits.ending.push(result.fault);
      return undefined;
    },
  };
}

/** What may be absent: a pointer. */
export function optional<Value>(type: GoType<Value>): GoType<Value | undefined> {
  return { ...type, zero: () => undefined };
}

/** A slice; nil where null is given. */
export function list<Value>(type: GoType<Value>): GoType<readonly Value[] | undefined> {
  const name = `[]${type.name}`;
  return {
    name,
    zero: () => undefined,
    read(value, place, misfits) {
      if (value.type === "array") {
        return value.items.map((item, index) => readValue(type, item, { ...place, path: `${place.path}[${index}]` }, misfits));
      }
      wrongType(value, name, place, misfits);
      return undefined;
    },
  };
}

/** Reads a field of the struct that is being read. */
export type ReadField = <Value>(name: string, type: GoType<Value>) => Value;

/** A struct, made of the fields that `make` asks for; all others are unknown. */
export function struct<Value>(name: string, make: (field: ReadField) => Value): GoType<Value> {
  return {
    name: `v1.${name}`,
    zero: () => make((_, type) => type.zero()),
    read(value, place, misfits) {
      if (value.type !== "object") {
        wrongType(value, `v1.${name}`, place, misfits);
        return this.zero();
      }
      // Told in the order of the file.
      const found = value.fields.map(() => new Misfits());
      const known = new Set<string>();
      const made = make((field, type) => {
        known.add(field);
        let read = type.zero();
        for (const [index, given] of value.fields.entries()) {
          const at = { struct: name, field: join(place.field, field), path: join(place.path, field) };
          const sink = found[index];
          if (given.name === field && sink !== undefined) read = readValue(type, given.value, at, sink);
        }
        return read;
      });
      const seen = new Set<string>();
      for (const [index, { name: field }] of value.fields.entries()) {
        const path = join(place.path, field);
        if (!known.has(field)) misfits.strict.push(`unknown field ${quote(path)}`);
        else if (seen.has(field)) misfits.strict.push(`duplicate field ${quote(path)}`);
        seen.add(field);
        misfits.add(found[index] ?? new Misfits());
      }
      return made;
    },
  };
}

function readValue<Value>(type: GoType<Value>, value: JsonValue, place: Place, misfits: Misfits): Value {
  return value.type === "null" ? type.zero() : type.read(value, place, misfits);
}

function wrongType(value: JsonValue, wanted: string, place: Place, misfits: Misfits): void {
  misfits.wrong.push(wrongTypeWords(value, wanted, place));
}

function wrongTypeWords(value: JsonValue, wanted: string, place: Place): string {
  return `json: cannot unmarshal ${value.type} into ${describe(place)} of type ${wanted}`;
}

function describe({ struct: owner, field }: Place): string {
  return `Go struct field ${owner}.${field}`;
}

function join(path: string, field: string): string {
  return path === "" ? field : `${path}.${field}`;
}
