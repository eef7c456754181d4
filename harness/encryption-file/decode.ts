import { type Document, isAlias, isMap, isScalar, isSeq, type Node, parseDocument } from "yaml";
import { parseGoDuration } from "./go-duration.ts";

/** The file as it was written, decoded but not judged. What was left out is undefined. */
export interface DecodedFile {
  readonly resources: readonly DecodedResource[];
}

export interface DecodedResource {
  readonly resources: readonly string[];
  readonly providers: readonly DecodedProvider[];
}

export interface DecodedProvider {
  readonly kms?: DecodedKms;
  readonly aesgcm?: DecodedKeys;
  readonly aescbc?: DecodedKeys;
  readonly secretbox?: DecodedKeys;
  readonly identity?: Readonly<Record<never, never>>;
}

export interface DecodedKms {
  readonly apiVersion?: string;
  readonly name?: string;
  readonly endpoint?: string;
  readonly cachesize?: number;
  /** Milliseconds. */
  readonly timeout?: number;
}

export interface DecodedKeys {
  readonly keys?: readonly { readonly name?: string; readonly secret?: string }[];
}

export type Decoded = { readonly file: DecodedFile } | { readonly faults: readonly string[] };

/** The names that a file may give itself; the second is of before Kubernetes 1.13 and still taken (spec encryption-at-rest 4.1). */
const kinds = new Map([
  ["apiserver.config.k8s.io/v1", "EncryptionConfiguration"],
  ["v1", "EncryptionConfig"],
]);

/**
 * Decodes YAML or JSON as strictly as kube-apiserver since 1.31: unknown fields, fields given twice and values of a wrong type are faults.
 * Never throws, whatever the text.
 */
export function decodeFile(text: string): Decoded {
  if (text === "") return { faults: ["encryption provider configuration file is empty"] };
  const document = parseDocument(text, { uniqueKeys: false, version: "1.1", merge: false });
  const [syntax] = document.errors;
  if (syntax !== undefined) return { faults: [`error converting YAML to JSON: yaml: ${syntax.message.split("\n")[0]}`] };
  const decoder = new Decoder(text, document);
  const root = document.contents;
  if (!isMap(root)) return { faults: ["couldn't get version/kind; json parse error: the file is no object"] };
  let kind: string | undefined;
  let apiVersion: string | undefined;
  let resources: readonly DecodedResource[] = [];
  decoder.object(root, "", {
    kind: (node, path) => {
      kind = decoder.string(node, path);
    },
    apiVersion: (node, path) => {
      apiVersion = decoder.string(node, path);
    },
    resources: (node, path) => {
      resources = decoder.list(node, path, (item, at) => decodeResource(decoder, item, at));
    },
  });
  if (kind === undefined) return { faults: ["Object 'Kind' is missing in the file"] };
  if (apiVersion === undefined) return { faults: ["Object 'apiVersion' is missing in the file"] };
  if (kinds.get(apiVersion) !== kind)
    return { faults: [`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`] };
  return decoder.faults.length > 0 ? { faults: decoder.faults } : { file: { resources } };
}

function decodeResource(decoder: Decoder, node: Node, path: string): DecodedResource {
  let resources: readonly string[] = [];
  let providers: readonly DecodedProvider[] = [];
  decoder.object(node, path, {
    resources: (value, at) => {
      resources = decoder.list(value, at, (item, itemAt) => decoder.string(item, itemAt) ?? "");
    },
    providers: (value, at) => {
      providers = decoder.list(value, at, (item, itemAt) => decodeProvider(decoder, item, itemAt));
    },
  });
  return { resources, providers };
}

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

function decodeProvider(decoder: Decoder, node: Node, path: string): DecodedProvider {
  const provider: Writable<DecodedProvider> = {};
  const keys = (name: "aesgcm" | "aescbc" | "secretbox") => (value: Node, at: string) => {
    if (!isNull(value)) provider[name] = decodeKeys(decoder, value, at);
  };
  decoder.object(node, path, {
    kms: (value, at) => {
      if (!isNull(value)) provider.kms = decodeKms(decoder, value, at);
    },
    aesgcm: keys("aesgcm"),
    aescbc: keys("aescbc"),
    secretbox: keys("secretbox"),
    identity: (value, at) => {
      if (isNull(value)) return;
      decoder.object(value, at, {});
      provider.identity = {};
    },
  });
  return provider;
}

function decodeKms(decoder: Decoder, node: Node, path: string): DecodedKms {
  const kms: Writable<DecodedKms> = {};
  const word = (name: "apiVersion" | "name" | "endpoint") => (value: Node, at: string) => {
    const text = decoder.string(value, at);
    if (text !== undefined) kms[name] = text;
  };
  decoder.object(node, path, {
    apiVersion: word("apiVersion"),
    name: word("name"),
    endpoint: word("endpoint"),
    cachesize: (value, at) => {
      const size = decoder.int32(value, at);
      if (size !== undefined) kms.cachesize = size;
    },
    timeout: (value, at) => {
      const timeoutMs = decoder.duration(value, at);
      if (timeoutMs !== undefined) kms.timeout = timeoutMs;
    },
  });
  return kms;
}

function decodeKeys(decoder: Decoder, node: Node, path: string): DecodedKeys {
  let keys: DecodedKeys["keys"];
  decoder.object(node, path, {
    keys: (value, at) => {
      keys = decoder.list(value, at, (item, itemAt) => {
        const key: { name?: string; secret?: string } = {};
        const word = (name: "name" | "secret") => (field: Node, fieldAt: string) => {
          const text = decoder.string(field, fieldAt);
          if (text !== undefined) key[name] = text;
        };
        decoder.object(item, itemAt, { name: word("name"), secret: word("secret") });
        return key;
      });
    },
  });
  return keys === undefined ? {} : { keys };
}

/** What go-yaml, which kube-apiserver reads with, takes for a number; YAML 1.1 has more of them, such as `e0` and `1:20`. */
const goNumber = /^[-+]?(0x[0-9a-f_]+|0b[01_]+|0o?[0-7_]+|[0-9][0-9_]*|(\.[0-9]+|[0-9]+(\.[0-9]*)?)(e[-+]?[0-9]+)?|\.inf|\.nan)$/i;

type ReadField = (node: Node, path: string) => void;

/** Walks the tree and gathers what does not fit, in Go's words; a value is never shown, since it may be a key. */
class Decoder {
  readonly faults: string[] = [];
  readonly #text: string;
  readonly #document: Document;

  constructor(text: string, document: Document) {
    this.#text = text;
    this.#document = document;
  }

  object(node: Node, path: string, fields: Readonly<Record<string, ReadField>>): void {
    if (isNull(node)) return;
    if (!isMap(node)) {
      this.#wrongType(node, path, "object");
      return;
    }
    const seen = new Set<string>();
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : "";
      const at = path === "" ? name : `${path}.${name}`;
      if (seen.has(name)) {
        const line = isScalar(key) ? this.#lineOf(key.range?.[0] ?? 0) : 0;
        this.faults.push(`strict decoding error: yaml: unmarshal errors: line ${line}: key ${JSON.stringify(name)} already set in map`);
        continue;
      }
      seen.add(name);
      const read = fields[name];
      if (read === undefined || !Object.hasOwn(fields, name))
        this.faults.push(`strict decoding error: unknown field ${JSON.stringify(at)}`);
      else {
        const found = this.#resolved(value);
        if (found !== undefined && !isNull(found)) read(found, at);
      }
    }
  }

  list<Item>(node: Node, path: string, read: (item: Node, path: string) => Item): Item[] {
    if (isSeq(node)) {
      return node.items.flatMap((item, index) => {
        const found = this.#resolved(item);
        return found === undefined ? [] : [read(found, `${path}[${index}]`)];
      });
    }
    this.#wrongType(node, path, "array");
    return [];
  }

  string(node: Node, path: string): string | undefined {
    if (isScalar(node) && typeof node.value === "string") return node.value;
    if (isScalar(node) && typeof node.value === "number" && node.source !== undefined && !goNumber.test(node.source)) return node.source;
    if (isNull(node)) return undefined;
    this.#wrongType(node, path, "string");
    return undefined;
  }

  int32(node: Node, path: string): number | undefined {
    const value = isScalar(node) ? node.value : undefined;
    if (typeof value === "number" && Number.isInteger(value) && Math.abs(value) < 2 ** 31) return value;
    this.#wrongType(node, path, "int32");
    return undefined;
  }

  /** Milliseconds. */
  duration(node: Node, path: string): number | undefined {
    const text = this.string(node, path);
    if (text === undefined) return undefined;
    const ms = parseGoDuration(text);
    if (ms === undefined) this.faults.push(`time: invalid duration ${JSON.stringify(text)} in ${path}`);
    return ms;
  }

  /** What stands there, behind a YAML alias too. */
  #resolved(item: unknown): Node | undefined {
    if (isAlias(item)) return item.resolve(this.#document);
    return isMap(item) || isSeq(item) || isScalar(item) ? item : undefined;
  }

  #wrongType(node: Node, path: string, wanted: string): void {
    this.faults.push(`json: cannot unmarshal ${typeNameOf(node)} into field ${path} of type ${wanted}`);
  }

  #lineOf(offset: number): number {
    return this.#text.slice(0, offset).split("\n").length;
  }
}

function isNull(node: Node): boolean {
  return isScalar(node) && node.value === null;
}

function typeNameOf(node: Node): string {
  if (isMap(node)) return "object";
  if (isSeq(node)) return "array";
  const value = isScalar(node) ? node.value : undefined;
  return typeof value === "boolean" ? "bool" : typeof value === "number" ? "number" : typeof value;
}
