/** Go's named escapes (strconv). */
const named = new Map([
  ["\u0007", "\\a"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\v", "\\v"],
  ["\\", "\\\\"],
]);

/** What Go's `%q` writes for a text. */
export function quote(text: string): string {
  return `"${[...text].map((character) => (character === '"' ? '\\"' : shown(character))).join("")}"`;
}

/** What Go's JSON parser writes for one character. */
export function quoteCharacter(character: string): string {
  return `'${character === "'" ? "\\'" : shown(character)}'`;
}

function shown(character: string): string {
  const short = named.get(character);
  if (short !== undefined) return short;
  if (/[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(character)) return character;
  const hex = (character.codePointAt(0) ?? 0).toString(16);
  if (hex.length <= 2 && character < "\u0080") return `\\x${hex.padStart(2, "0")}`;
  return hex.length <= 4 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}

/** What Go's `json.Marshal` writes: as JavaScript does, but safe inside of HTML. */
export function marshal(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** How many bytes a text of RFC 4648's standard base64 holds, line ends passed over as Go does; undefined where it is none. */
export function base64Length(text: string): number | undefined {
  const whole = text.replaceAll(/[\r\n]/g, "");
  if (whole.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(whole)) return undefined;
  return Buffer.from(whole, "base64").length;
}
