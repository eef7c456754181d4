import type { DecodedFile, DecodedKeys, DecodedKms, DecodedProvider } from "./decode.ts";
import { type ConfigurationFault, type FieldPath, invalid, missing } from "./fault.ts";

const aesKeyBytes = [16, 24, 32];
const secretboxKeyBytes = [32];

export interface ValidationOptions {
  /** `--encryption-provider-config-automatic-reload`: it makes the names of KMS v1 providers unique too. */
  readonly automaticReload: boolean;
}

/**
 * What kube-apiserver finds wrong with a file that it could decode, in its order (spec encryption-at-rest 4.2; k8s.io/apiserver
 * pkg/apis/apiserver/validation/validation_encryption.go, and for masked resources pkg/server/options/encryptionconfig/config.go).
 */
export function validateFile({ resources }: DecodedFile, { automaticReload }: ValidationOptions): ConfigurationFault[] {
  if (resources.length === 0) return [missing("nothing-missing", "resources", "at least one resources is required")];
  const kmsNames = new Set<string>();
  const faults = resources.flatMap((item, index) => {
    const names = `resources[${index}].resources`;
    const providers = `resources[${index}].providers`;
    return [
      ...(item.resources.length === 0 ? [missing("nothing-missing", names, `at least one ${names} is required`)] : []),
      ...overlapFaults(item.resources, names),
      ...item.resources.flatMap((resource, at) => resourceFaults(resource, `${names}[${at}]`)),
      ...(item.providers.length === 0 ? [missing("nothing-missing", providers, `at least one ${providers} is required`)] : []),
      ...item.providers.flatMap((provider, at) => providerFaults(provider, `${providers}[${at}]`, { automaticReload, kmsNames })),
    ];
  });
  // The transformers are built only of a file that is right otherwise.
  return faults.length > 0 ? faults : maskedFaults(resources.flatMap((item) => [item.resources]));
}

/** `secrets`, `deployments.apps`, `*.`: the part behind the first dot is the group (k8s.io/apimachinery, schema.ParseGroupResource). */
function parseGroupResource(text: string): { readonly resource: string; readonly group: string } {
  const dot = text.indexOf(".");
  return dot < 0 ? { resource: text, group: "" } : { resource: text.slice(0, dot), group: text.slice(dot + 1) };
}

function overlapFaults(resources: readonly string[], path: FieldPath): ConfigurationFault[] {
  const parsed = resources.map(parseGroupResource);
  const isDuplicate = parsed.some((one, at) => parsed.some((other, index) => at !== index && isSame(one, other)));
  const hasOverlap = parsed.some((one, at) =>
    parsed.some(
      (other, index) =>
        at !== index &&
        !isSame(one, other) &&
        ((one.group === "*" && one.resource === "*") || (one.group === other.group && (one.resource === "*" || other.resource === "*"))),
    ),
  );
  return [
    ...(isDuplicate ? [invalid("overlap", path, resources, "the same resource cannot be specified multiple times")] : []),
    ...(hasOverlap
      ? [
          invalid(
            "overlap",
            path,
            resources,
            "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be masked",
          ),
        ]
      : []),
  ];
}

function isSame(one: { resource: string; group: string }, other: { resource: string; group: string }): boolean {
  return one.resource === other.resource && one.group === other.group;
}

/** The first of the rules that a resource's name breaks. */
function resourceFaults(resource: string, path: FieldPath): ConfigurationFault[] {
  const { group, resource: name } = parseGroupResource(resource);
  const wrong = (words: string) => [invalid("resource-names", path, resource, words)];
  if (resource.toLowerCase() !== resource) return wrong("resource name should not contain capital letters");
  if (resource === "*") return wrong("use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources");
  if (["apiserveripinfo", "serviceipallocations", "servicenodeportallocations"].includes(resource)) {
    return wrong("resources which do not have REST API/s cannot be encrypted");
  }
  if (group === "events.k8s.io") {
    return wrong("'*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the config file");
  }
  if (group === "extensions") return wrong("'extensions' group has been removed and cannot be used for encryption");
  if (group === "*" && name !== "*") return wrong("encrypting the same resource across groups is not supported");
  return [];
}

interface KmsScope extends ValidationOptions {
  /** Of the providers before. */
  readonly kmsNames: Set<string>;
}

function providerFaults(provider: DecodedProvider, path: FieldPath, scope: KmsScope): ConfigurationFault[] {
  const kinds = Object.keys(provider);
  // kube-apiserver shows the element with the keys in it; here they are left out.
  const shown = Object.fromEntries(kinds.map((kind) => [kind, "REDACTED"]));
  const count =
    kinds.length === 0
      ? [
          invalid(
            "one-provider",
            path,
            shown,
            "provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity",
          ),
        ]
      : kinds.length > 1
        ? [
            invalid(
              "one-provider",
              path,
              shown,
              "more than one provider specified in a single element, should split into different list elements",
            ),
          ]
        : [];
  const { kms, aesgcm, aescbc, secretbox } = provider;
  if (kms !== undefined) return [...count, ...kmsFaults(kms, `${path}.kms`, scope)];
  if (aesgcm !== undefined) return [...count, ...keyFaults(aesgcm, `${path}.aesgcm.keys`, aesKeyBytes)];
  if (aescbc !== undefined) return [...count, ...keyFaults(aescbc, `${path}.aescbc.keys`, aesKeyBytes)];
  if (secretbox !== undefined) return [...count, ...keyFaults(secretbox, `${path}.secretbox.keys`, secretboxKeyBytes)];
  return count;
}

/** `apiVersion` is v1 where none is given (k8s.io/apiserver pkg/apis/apiserver/v1/defaults.go). */
export function kmsApiVersionOf({ apiVersion = "" }: DecodedKms): string {
  return apiVersion === "" ? "v1" : apiVersion;
}

function kmsFaults(kms: DecodedKms, path: FieldPath, { automaticReload, kmsNames }: KmsScope): ConfigurationFault[] {
  const { name = "", endpoint = "", timeout, cachesize } = kms;
  const apiVersion = kmsApiVersionOf(kms);
  const isV1 = apiVersion === "v1";
  const faults: ConfigurationFault[] = [];
  if (name === "") faults.push(missing("kms-name", `${path}.name`, "name is a mandatory field for a provider"));
  if (!isV1 && name.includes(":")) {
    faults.push(invalid("kms-name", `${path}.name`, name, `invalid KMS provider name ${name}, must not contain ':'`));
  }
  if ((automaticReload || !isV1) && kmsNames.has(name)) {
    faults.push(invalid("kms-name", `${path}.name`, name, `duplicate KMS provider name ${name}, names must be unique`));
  }
  kmsNames.add(name);
  if (timeout !== undefined && timeout <= 0) {
    faults.push(invalid("kms-timeout", `${path}.timeout`, `${timeout / 1000}s`, "timeout should be a positive value"));
  }
  faults.push(...endpointFaults(endpoint, `${path}.endpoint`));
  if (!isV1 && cachesize !== undefined) {
    faults.push(invalid("kms-cachesize", `${path}.cachesize`, cachesize, "cachesize is not supported in v2"));
  }
  if (isV1 && cachesize === 0) {
    faults.push(invalid("kms-cachesize", `${path}.cachesize`, cachesize, "cachesize should be a positive value, or negative to disable"));
  }
  if (!isV1 && apiVersion !== "v2") {
    // kube-apiserver names the field where it means the value.
    const words = "unsupported apiVersion apiVersion for KMS provider, only v1 and v2 are supported";
    faults.push(invalid("kms-version", `${path}.apiVersion`, apiVersion, words));
  }
  return faults;
}

function endpointFaults(endpoint: string, path: FieldPath): ConfigurationFault[] {
  if (endpoint === "") return [invalid("kms-endpoint", path, "", "endpoint is a mandatory field for a kms")];
  if (/\p{Cc}/u.test(endpoint) || /%(?![0-9a-fA-F]{2})/.test(endpoint) || endpoint.startsWith(":")) {
    return [invalid("kms-endpoint", path, endpoint, "invalid endpoint for kms provider, error: it is no URL")];
  }
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(endpoint)?.[1]?.toLowerCase() ?? "";
  if (scheme === "unix") return [];
  return [invalid("kms-endpoint", path, endpoint, `unsupported scheme ${JSON.stringify(scheme)} for KMS provider, only unix is supported`)];
}

function keyFaults({ keys = [] }: DecodedKeys, path: FieldPath, lengths: readonly number[]): ConfigurationFault[] {
  if (keys.length === 0) return [missing("nothing-missing", path, "at least one keys is required")];
  return keys.flatMap(({ name = "", secret = "" }, index) => {
    const at = `${path}[${index}]`;
    const nameless = name === "" ? [missing("local-keys", `${at}.name`, "name is a mandatory field for a key")] : [];
    if (secret === "") return [...nameless, missing("local-keys", `${at}.secret`, "secret is a mandatory field for a key")];
    const bytes = base64Length(secret);
    if (bytes === undefined) return [...nameless, invalid("local-keys", `${at}.secret`, "REDACTED", "secrets must be base64 encoded")];
    if (lengths.includes(bytes)) return nameless;
    const words = `secret is not of the expected length, got ${bytes}, expected one of [${lengths.join(" ")}]`;
    return [...nameless, invalid("local-keys", `${at}.secret`, "REDACTED", words)];
  });
}

/** How many bytes a text of RFC 4648's standard base64 holds, line ends passed over as Go does; undefined where it is none. */
function base64Length(text: string): number | undefined {
  const whole = text.replaceAll(/[\r\n]/g, "");
  if (whole.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(whole)) return undefined;
  return Buffer.from(whole, "base64").length;
}

/** A resource that an earlier item's wildcard has taken; only the first is told. */
function maskedFaults(items: readonly (readonly string[])[]): ConfigurationFault[] {
  const configured = new Set<string>();
  for (const item of items) {
    for (const resource of item) {
      const { group } = parseGroupResource(resource);
      const mask = [`*.${group}`, "*.*"].find((wildcard) => configured.has(wildcard));
      if (mask !== undefined) {
        const message = `resource ${JSON.stringify(resource)} is masked by earlier rule ${JSON.stringify(mask)}`;
        return [{ rule: "overlap", message }];
      }
    }
    for (const resource of item) configured.add(resource);
  }
  return [];
}
