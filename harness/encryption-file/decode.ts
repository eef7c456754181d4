import { parseDuration } from "./go-duration.ts";
import { quote } from "./go-text.ts";
import { int32, list, Misfits, optional, parsed, struct, text } from "./go-type.ts";
import { type JsonValue, SyntaxFault } from "./json-value.ts";
import { parseJson } from "./parse-json.ts";
import { parseYaml } from "./parse-yaml.ts";

const duration = parsed((written) => {
  const result = parseDuration(written);
  return "ns" in result ? { value: result.ns } : result;
});

const key = struct("Key", (field) => ({ name: field("name", text), secret: field("secret", text) }));
const keys = (name: string) => optional(struct(name, (field) => ({ keys: field("keys", list(key)) })));

const kms = optional(
  struct("KMSConfiguration", (field) => ({
    // Where it gives none it means v1 (k8s.io/apiserver pkg/apis/apiserver/v1/defaults.go).
    apiVersion: field("apiVersion", text) || "v1",
    name: field("name", text),
    cachesize: field("cachesize", optional(int32)),
    endpoint: field("endpoint", text),
    timeoutNs: field("timeout", duration),
  })),
);

const provider = struct("ProviderConfiguration", (field) => ({
  aesgcm: field("aesgcm", keys("AESConfiguration")),
  aescbc: field("aescbc", keys("AESConfiguration")),
  secretbox: field("secretbox", keys("SecretboxConfiguration")),
  identity: field("identity", optional(struct("IdentityConfiguration", () => ({})))),
  kms: field("kms", kms),
}));

const resource = struct("ResourceConfiguration", (field) => ({
  resources: field("resources", list(text)) ?? [],
  providers: field("providers", list(provider)) ?? [],
}));

/** The types of k8s.io/apiserver pkg/apis/apiserver/v1/types_encryption.go. */
const file = struct("EncryptionConfiguration", (field) => {
  // Read before, to find the type.
  field("apiVersion", optional(text));
  field("kind", optional(text));
  return { resources: field("resources", list(resource)) ?? [] };
});

/** The file as it was written, decoded but not judged. */
export type DecodedFile = ReturnType<typeof file.zero>;
export type DecodedProvider = ReturnType<typeof provider.zero>;
export type DecodedKms = NonNullable<DecodedProvider["kms"]>;
export type DecodedKeys = NonNullable<DecodedProvider["aesgcm"]>;

export type Decoded = { readonly file: DecodedFile } | { readonly fault: string };

/** The names that a file may give itself; the second is of before Kubernetes 1.13 and still taken (spec encryption-at-rest 4.1). */
const kinds = new Map([
  ["apiserver.config.k8s.io/v1", "EncryptionConfiguration"],
  ["v1", "EncryptionConfig"],
]);

/**
 * Decodes YAML or JSON as strictly as kube-apiserver since 1.31: unknown fields, fields given twice and values of a wrong type are a fault.
 * Never throws, whatever the text.
 */
export function decodeFile(written: string): Decoded {
  try {
    return decode(written);
  } catch (thrown) {
    if (thrown instanceof SyntaxFault) return { fault: thrown.message };
    throw thrown;
  }
}

function decode(written: string): Decoded {
  const { value, repeated } = parse(written);
  const { apiVersion, kind } = typeOf(value);
  if (kinds.get(apiVersion) !== kind) {
    throw new SyntaxFault(`no kind ${quote(kind)} is registered for version ${quote(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`);
  }
  const misfits = new Misfits();
  const decoded = file.read(value, { struct: "", field: "", path: "" }, misfits);
  const [fatal] = [...misfits.ending, ...misfits.wrong];
  if (fatal !== undefined) return { fault: fatal };
  const yaml = repeated.length === 0 ? [] : [`yaml: unmarshal errors:\n${repeated.map((line) => `  ${line}`).join("\n")}`];
  const strict = [...yaml, ...misfits.strict.slice(0, strictFaultsMax)];
  return strict.length > 0 ? { fault: `strict decoding error: ${strict.join(", ")}` } : { file: decoded };
}

/** More are not told. */
const strictFaultsMax = 100;

/** What begins like an object in JSON is taken for JSON, so that YAML's short form of a mapping is none at the top. */
function parse(written: string): { readonly value: JsonValue; readonly repeated: readonly string[] } {
  if (!/^\p{White_Space}*\{/u.test(written)) return parseYaml(written);
  try {
    return { value: parseJson(written), repeated: [] };
  } catch (thrown) {
    throw thrown instanceof SyntaxFault ? typeFault(thrown.message) : thrown;
  }
}

/** Of a file whose kind is not known yet; Go takes letters of either case here. */
function typeOf(value: JsonValue): { readonly apiVersion: string; readonly kind: string } {
  const typeMeta = { apiversion: "", kind: "" };
  let fault: string | undefined;
  if (value.type === "object") {
    for (const { name, value: given } of value.fields) {
      const field = name.toLowerCase();
      if ((field !== "apiversion" && field !== "kind") || given.type === "null") continue;
      if (given.type === "string") typeMeta[field] = given.value;
      else fault ??= `json: cannot unmarshal ${given.type} into Go struct field .${field === "kind" ? field : "apiVersion"} of type string`;
    }
  } else if (value.type !== "null") {
    const typeName = 'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';
    fault = `json: cannot unmarshal ${value.type} into Go value of type ${typeName}`;
  }
  if (fault !== undefined) throw typeFault(fault);
  const { apiversion: apiVersion, kind } = typeMeta;
  if (apiVersion.split("/").length > 2) throw new SyntaxFault(`unexpected GroupVersion string: ${apiVersion}`);
  // kube-apiserver shows the whole file here, with the keys in it.
  if (kind === "") throw new SyntaxFault("Object 'Kind' is missing in 'REDACTED'");
  if (apiVersion === "" || apiVersion.endsWith("/")) throw new SyntaxFault("Object 'apiVersion' is missing in 'REDACTED'");
  return { apiVersion, kind };
}

function typeFault(words: string): SyntaxFault {
  return new SyntaxFault(`couldn't get version/kind; json parse error: ${words}`);
}
