import { z } from "zod";
import { type Result, resultSchema } from "../harness/run/schema.ts";

/**
 * A result in which all that others may have written says one text: every string that the schema binds to no form, and every name in a
 * record of such names. What is added to the schema joins by itself. For tests.
 */
export function madeHostile(result: Result, text: string): Result {
  return resultSchema.parse(madeHostileBy(resultSchema, result, text));
}

/** The same of anything that has a schema. */
export function madeHostileBy(schema: z.ZodType, value: unknown, text: string): unknown {
  return altered(value, schema, text);
}

function altered(value: unknown, schema: unknown, text: string): unknown {
  if (value === null || value === undefined) return value;
  if (schema instanceof z.ZodNullable || schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) {
    return altered(value, schema.unwrap(), text);
  }
  if (schema instanceof z.ZodString) return isFree(schema) ? text : value;
  if (schema instanceof z.ZodUnion) {
    const fitting = schema.options.find((option) => option instanceof z.ZodType && option.safeParse(value).success);
    return altered(value, fitting, text);
  }
  if (schema instanceof z.ZodArray && Array.isArray(value)) return value.map((item: unknown) => altered(item, schema.element, text));
  if (typeof value !== "object") return value;
  if (schema instanceof z.ZodRecord) {
    const name = (own: string) => (schema.keyType instanceof z.ZodString && isFree(schema.keyType) ? `${own}${text}` : own);
    return Object.fromEntries(Object.entries(value).map(([own, held]) => [name(own), altered(held, schema.valueType, text)]));
  }
  if (schema instanceof z.ZodObject) {
    const shape = new Map<string, unknown>(Object.entries(schema.shape));
    return Object.fromEntries(
      Object.entries(value).map(([name, held]) => [name, name === "histogram" ? held : altered(held, shape.get(name), text)]),
    );
  }
  return value;
}

/** Any text is one to it. */
function isFree(schema: z.ZodString): boolean {
  return schema.safeParse("\u0000=").success;
}
