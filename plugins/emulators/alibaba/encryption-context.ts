import { z } from "zod";
import { invalid } from "./parameters.ts";

const charactersMax = 8192;
const contextSchema = z.record(z.string(), z.string());

/**
 * What an EncryptionContext contributes to the authenticated data: equal for equal maps, whatever the text's order, and nothing for an empty
 * or absent one (spec alibaba-cloud 1.4).
 * @throws CloudError 400 InvalidParameter where it is no JSON object of strings of at most 8192 characters.
 */
export function canonicalContext(parameters: ReadonlyMap<string, string>, name: string): Uint8Array {
  // So does @alicloud/kms20160120 write an object. What the real KMS makes of it is not known; to pass it over would bind nothing.
  if ([...parameters.keys()].some((each) => each.startsWith(`${name}.`))) throw invalid(name);
  const text = parameters.get(name) ?? "";
  if (text === "") return new Uint8Array();
  if (text.length > charactersMax) throw invalid(name);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw invalid(name);
  }
  const context = contextSchema.safeParse(json);
  if (!context.success) throw invalid(name);
  const pairs = Object.entries(context.data).sort(([a], [b]) => (a < b ? -1 : 1));
  return pairs.length === 0 ? new Uint8Array() : Buffer.from(JSON.stringify(pairs));
}
