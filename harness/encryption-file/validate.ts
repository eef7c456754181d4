import type { DecodedFile, DecodedKeys, DecodedKms, DecodedProvider } from "./decode.ts";
import { type ConfigurationFault, type FieldPath, invalid, missing } from "./fault.ts";
import { formatDuration } from "./go-duration.ts";
import { base64Length, quote } from "./go-text.ts";
import { parseUrl } from "./go-url.ts";

const aesKeyBytes = [16, 24, 32];
const secretboxKeyBytes = [32];

export interface ValidationOptions {
  /** `--encryption-provider-config-automatic-reload`: it makes the names of KMS v1 providers unique too. */
  readonly automaticReload: boolean;
}

/**
 * What kube-apiserver finds wrong with a file that it could decode, in its order (spec encryption-at-rest 4.2; k8s.io/apiserver
 * pkg/apis/apiserver/validation/validation_encryption.go).
 */
export function validateFile({ resources }: DecodedFile, { automaticReload }: ValidationOptions): ConfigurationFault[] {
  if (resources.length === 0) return [missing("nothing-missing", "resources", "at least one resources is required")];
  const kmsNames = new Set<string>();
  return resources.flatMap((item, index) => {
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
}

/**
 * What ends kube-apiserver as it builds the transformers of a file that is right otherwise: the first thing, item by item
 * (k8s.io/apiserver pkg/server/options/encryptionconfig/config.go).
 */
export function buildFault({ resources }: DecodedFile, { allowsKmsV1 }: { readonly allowsKmsV1: boolean }): ConfigurationFault | undefined {
  const configured = new Set<string>();
  for (const item of resources) {
    if (!allowsKmsV1 && item.providers.some(({ kms }) => kms?.apiVersion === "v1")) {
      return { rule: "kms-v1-gate", step: "build", message: kmsV1Disabled };
    }
    for (const resource of item.resources) {
      const { resource: name, group } = parseGroupResource(resource);
      const mask = [`*.${group}`, "*.*"].find((wildcard) => configured.has(wildcard));
      if (mask !== undefined) {
        const message = `resource ${quote(yamlName(name, group))} is masked by earlier rule ${quote(mask)}`;
        return { rule: "overlap", step: "build", message };
      }
    }
    for (const resource of item.resources) configured.add(resource);
  }
  return undefined;
}

/** spec encryption-at-rest 1.7. */
const kmsV1Disabled =
  "KMSv1 is deprecated and will only receive security updates going forward. Use KMSv2 instead.  " +
  "Set --feature-gates=KMSv1=true to use the deprecated KMSv1 feature.";

/** As a file writes it: without a dot for the core group, but for its wildcard. */
function yamlName(name: string, group: string): string {
  return group === "" && name !== "*" ? name : `${name}.${group}`;
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
  const kinds = Object.values(provider).filter((kind) => kind !== undefined).length;
  const wrong = (words: string) => [invalid("one-provider", path, shown(provider), words)];
  const count =
    kinds === 0
      ? wrong("provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity")
      : kinds > 1
        ? wrong("more than one provider specified in a single element, should split into different list elements")
        : [];
  const { kms, aesgcm, aescbc, secretbox } = provider;
  if (kms !== undefined) return [...count, ...kmsFaults(kms, `${path}.kms`, scope)];
  if (aesgcm !== undefined) return [...count, ...keyFaults(aesgcm, `${path}.aesgcm.keys`, aesKeyBytes)];
  if (aescbc !== undefined) return [...count, ...keyFaults(aescbc, `${path}.aescbc.keys`, aesKeyBytes)];
  if (secretbox !== undefined) return [...count, ...keyFaults(secretbox, `${path}.secretbox.keys`, secretboxKeyBytes)];
  return count;
}

/** What is filled in before (k8s.io/apiserver pkg/apis/apiserver/v1/defaults.go). */
const defaultCacheSize = 1000;
const defaultTimeoutNs = 3_000_000_000n;

/** The element as Go shows it, but for its keys, which kube-apiserver shows too. */
function shown({ aesgcm, aescbc, secretbox, identity, kms }: DecodedProvider): unknown {
  const hidden = (keyed: DecodedKeys | undefined) =>
    keyed === undefined
      ? null
      : { Keys: keyed.keys?.map(({ name, secret }) => ({ Name: name, Secret: secret === "" ? "" : "REDACTED" })) ?? null };
  return {
    AESGCM: hidden(aesgcm),
    AESCBC: hidden(aescbc),
    Secretbox: hidden(secretbox),
    Identity: identity ?? null,
    KMS:
      kms === undefined
        ? null
        : {
            APIVersion: kms.apiVersion,
            Name: kms.name,
            CacheSize: kms.cachesize ?? (kms.apiVersion === "v1" ? defaultCacheSize : null),
            Endpoint: kms.endpoint,
            Timeout: formatDuration(kms.timeoutNs ?? defaultTimeoutNs),
          },
  };
}

function kmsFaults(kms: DecodedKms, path: FieldPath, { automaticReload, kmsNames }: KmsScope): ConfigurationFault[] {
  const { apiVersion, name, endpoint, timeoutNs, cachesize } = kms;
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
  if (timeoutNs !== undefined && timeoutNs <= 0n) {
    faults.push(invalid("kms-timeout", `${path}.timeout`, formatDuration(timeoutNs), "timeout should be a positive value"));
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
  const url = parseUrl(endpoint);
  if ("fault" in url) return [invalid("kms-endpoint", path, endpoint, `invalid endpoint for kms provider, error: ${url.fault}`)];
  if (url.scheme === "unix") return [];
  return [invalid("kms-endpoint", path, endpoint, `unsupported scheme ${quote(url.scheme)} for KMS provider, only unix is supported`)];
}

function keyFaults({ keys = [] }: DecodedKeys, path: FieldPath, lengths: readonly number[]): ConfigurationFault[] {
  if (keys.length === 0) return [missing("nothing-missing", path, "at least one keys is required")];
  return keys.flatMap(({ name, secret }, index) => {
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
