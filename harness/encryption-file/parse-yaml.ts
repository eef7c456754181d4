import { Composer, type Document, isAlias, isMap, isNode, isPair, isScalar, isSeq, type Node, Parser } from "yaml";
import { quote } from "./go-text.ts";
import { type JsonField, type JsonValue, nestingMax, SyntaxFault } from "./json-value.ts";
import { scalarValue } from "./yaml-scalar.ts";

export interface ParsedYaml {
  readonly value: JsonValue;
  /** `line 5: key "resources" already set in map`, for every key that a mapping has twice. */
  readonly repeated: readonly string[];
}

/**
 * Parses the first YAML document of a text as kube-apiserver does, which makes JSON of it first (sigs.k8s.io/yaml on go.yaml.in/yaml/v2):
 * YAML 1.1 with its `yes` and `no`, keys turned into strings, fields sorted by name. Throws {@link SyntaxFault}; what is wrong with the syntax
 * is said in this parser's words, since each has its own.
 */
export function parseYaml(written: string): ParsedYaml {
  if (controlCharacter.test(written)) throw new SyntaxFault("yaml: control characters are not allowed");
  // All of these end a line in YAML 1.1.
  const text = written.replaceAll(/\r\n?|[\u0085\u2028\u2029]/g, "\n");
  const document = firstDocument(text);
  if (document === undefined) return { value: { type: "null" }, repeated: [] };
  const [fault] = document.errors;
  // Behind a colon it shows what stands there, which may be a key.
  if (fault !== undefined) throw new SyntaxFault(`yaml: line ${lineAt(text, fault.pos[0])}: ${fault.message.replace(/: ".*/s, "")}`);
  const { explicit, version } = document.directives.yaml;
  if (explicit === true && version !== "1.1") throw new SyntaxFault("yaml: found incompatible YAML document");
  return new Converter(text, document).result();
}

/** All that YAML 1.1 takes for no character. */
const controlCharacter = /[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

function firstDocument(text: string): Document.Parsed | undefined {
  const tokens = [...new Parser().parse(text)];
  if (tokens.some(isTooDeep)) throw new SyntaxFault(`yaml: exceeded max depth of ${nestingMax}`);
  const composer = new Composer({ schema: "failsafe", version: "1.1", uniqueKeys: false, resolveKnownTags: false, prettyErrors: false });
  const { value } = composer.compose(tokens).next();
  return value ?? undefined;
}

/** Looked at before the parser walks it, which has a stack to run out of. */
function isTooDeep(token: unknown): boolean {
  let level: readonly unknown[] = [token];
  // Of two levels, one is the list of a collection's items.
  for (let depth = 0; depth < 2 * nestingMax; depth++) {
    level = level.flatMap((each) => (typeof each === "object" && each !== null ? Object.values(each) : []));
    if (level.length === 0) return false;
  }
  return true;
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

/** Far more than a configuration has, and few enough to be walked in an instant. */
const aliasedMax = 100_000;

class Converter {
  readonly #text: string;
  readonly #root: Node | null;
  readonly #targets = new Map<Node, Node>();
  /** What aliases under way stand for. */
  readonly #open = new Set<Node>();
  readonly #repeated: string[] = [];
  #aliased = 0;

  constructor(text: string, document: Document.Parsed) {
    this.#text = text;
    this.#root = document.contents;
    this.#link(this.#root, new Map());
  }

  result(): ParsedYaml {
    return { value: this.#convert(this.#root), repeated: this.#repeated };
  }

  /** Finds what each alias stands for: the nearest anchor of its name before it. */
  #link(node: unknown, anchors: Map<string, Node>): void {
    if (isPair(node)) {
      this.#link(node.key, anchors);
      this.#link(node.value, anchors);
    } else if (isAlias(node)) {
      const target = anchors.get(node.source);
      if (target === undefined) throw new SyntaxFault(`yaml: unknown anchor '${node.source}' referenced`);
      this.#targets.set(node, target);
    } else if (isNode(node)) {
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
      if (isMap(node) || isSeq(node)) for (const item of node.items) this.#link(item, anchors);
    }
  }

  #convert(node: unknown): JsonValue {
    if (this.#open.size > 0 && this.#aliased++ > aliasedMax) throw new SyntaxFault("yaml: document contains excessive aliasing");
    if (isAlias(node)) return this.#behind(node, node.source, (target) => this.#convert(target));
    if (isScalar(node)) return scalarValue(node);
    if (isSeq(node)) return { type: "array", items: node.items.map((item) => this.#convert(item)) };
    if (!isMap(node)) return { type: "null" };
    const fields = new Map<string, JsonField>();
    this.#fill(fields, node);
    return { type: "object", fields: [...fields.values()].toSorted((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name))) };
  }

  #behind<Result>(alias: Node, name: string, read: (target: Node | undefined) => Result): Result {
    const target = this.#targets.get(alias);
    if (target === undefined) return read(undefined);
    if (this.#open.has(target)) throw new SyntaxFault(`yaml: anchor '${name}' value contains itself`);
    this.#open.add(target);
    const result = read(target);
    this.#open.delete(target);
    return result;
  }

  #fill(fields: Map<string, JsonField>, map: { readonly items: readonly { readonly key: unknown; readonly value: unknown }[] }): void {
    for (const { key, value } of map.items) {
      if (isScalar(key) && key.source === "<<" && key.type === "PLAIN") {
        this.#merge(fields, value);
        continue;
      }
      const name = this.#convert(key);
      if (name.type === "object" || name.type === "array") throw new SyntaxFault("yaml: invalid map key: it is a collection");
      if (name.type === "null") throw new SyntaxFault("unsupported map key of type: %!s(<nil>), key: <nil>");
      const converted = this.#convert(value);
      const field = { name: name.type === "number" ? name.literal : String(name.value), value: converted };
      const identity = `${name.type} ${field.name}`;
      if (fields.has(identity)) {
        const shown = name.type === "string" ? quote(name.value) : field.name;
        const offset = isNode(value) ? value.range?.[0] : isNode(key) ? key.range?.[1] : undefined;
        this.#repeated.push(`line ${lineAt(this.#text, offset ?? 0)}: key ${shown} already set in map`);
      }
      fields.set(identity, field);
    }
  }

  #merge(fields: Map<string, JsonField>, value: unknown): void {
    if (isSeq(value)) {
      for (const item of value.items.toReversed()) this.#mergeMap(fields, item);
    } else this.#mergeMap(fields, value);
  }

  #mergeMap(fields: Map<string, JsonField>, value: unknown): void {
    if (isAlias(value)) this.#behind(value, value.source, (target) => this.#mergeMap(fields, target));
    else if (isMap(value)) this.#fill(fields, value);
    else throw new SyntaxFault("yaml: map merge requires map or sequence of maps as the value");
  }
}
