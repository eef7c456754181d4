import { CloudError } from "./service.ts";

type Parameters = ReadonlyMap<string, string>;

/** @throws CloudError 400 MissingParameter. */
export function required(parameters: Parameters, name: string): string {
  const value = parameters.get(name);
  if (value === undefined || value === "") {
    throw new CloudError(400, "MissingParameter", `The parameter ${name} is needed but no value is given.`);
  }
  return value;
}

/** @throws CloudError 400 InvalidParameter. */
export function optionalBoolean(parameters: Parameters, name: string): boolean | undefined {
  const value = parameters.get(name);
  if (value === undefined || value === "") return undefined;
  if (value.toLowerCase() !== "true" && value.toLowerCase() !== "false") throw invalid(name);
  return value.toLowerCase() === "true";
}

/** @throws CloudError 400 InvalidParameter. */
export function optionalInteger(parameters: Parameters, name: string, min: number, max: number): number | undefined {
  const value = parameters.get(name);
  if (value === undefined || value === "") return undefined;
  if (!/^\d{1,9}$/.test(value) || Number(value) < min || Number(value) > max) throw invalid(name);
  return Number(value);
}

/**
 * Refuses what the real cloud knows and this one does not, where to pass it over would be to grant more than was asked for.
 * @throws CloudError 400 Rejected.UnsupportedOperation.
 */
export function refuseUnknown(parameters: Parameters, names: readonly string[]): void {
  const given = names.find((name) => (parameters.get(name) ?? "") !== "");
  if (given !== undefined)
    throw new CloudError(400, "Rejected.UnsupportedOperation", `This local cloud does not know the parameter ${given}.`);
}

export function invalid(name: string): CloudError {
  return new CloudError(400, "InvalidParameter", `The specified parameter ${name} is not valid.`);
}
