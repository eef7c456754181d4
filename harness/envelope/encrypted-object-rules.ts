import { utf8 } from "./bytes.ts";
import { dekSourceTypes, type EncryptedObject } from "./encrypted-object.ts";
import { EnvelopeError, fault } from "./envelope-error.ts";

/** The limits of spec encryption-at-rest 2.2, in bytes, all inclusive. */
export const keyIdMaxBytes = 1024;
export const edekMaxBytes = 1024;
export const annotationsMaxBytes = 32768;

/**
 * The checks that kube-apiserver makes on every write and read and on a plugin's answer, in its order and words (spec encryption-at-rest
 * 2.2). Throws {@link EnvelopeError} for the first that fails.
 */
export function validateEncryptedObject(object: EncryptedObject): void {
  validateDekSourceType(object.encryptedDekSourceType);
  if (object.encryptedData.length === 0) throw fault("encrypted-data-empty");
  wrapped("failed to validate encrypted DEK source", () => validateEdek(object.encryptedDekSource));
  wrapped("failed to validate key id", () => validateKeyId(object.keyId));
  wrapped("failed to validate annotations", () => validateAnnotations(object.annotations));
}

/** Throws {@link EnvelopeError} `dek-source-type`. */
export function validateDekSourceType(type: number): void {
  if (type !== dekSourceTypes.aesGcmKey && type !== dekSourceTypes.hkdfSha256XnonceAesGcmSeed) {
    throw new EnvelopeError("dek-source-type", `unknown encryptedDEKSourceType: ${type}`);
  }
}

/** The ciphertext that a KMS v2 plugin may give. Throws {@link EnvelopeError} `edek-empty` or `edek-too-long`. */
export function validateEdek(edek: Uint8Array): void {
  if (edek.length === 0) throw fault("edek-empty");
  if (edek.length > edekMaxBytes) {
    throw new EnvelopeError("edek-too-long", `encrypted DEK source is ${edek.length} bytes, which exceeds the max size of ${edekMaxBytes}`);
  }
}

/** The key_id that a KMS v2 plugin may give. Throws {@link EnvelopeError} `key-id-empty`, `key-id-too-long` or `utf8-invalid`. */
export function validateKeyId(keyId: string): void {
  const { length } = utf8(keyId);
  if (length === 0) throw fault("key-id-empty");
  if (length > keyIdMaxBytes) {
    throw new EnvelopeError("key-id-too-long", `keyID is ${length} bytes, which exceeds the max size of ${keyIdMaxBytes}`);
  }
}

/**
 * The annotations that a KMS v2 plugin may give: domain names of at least two labels, and 32768 bytes with the values. All faults are told
 * together, in the map's order. Throws {@link EnvelopeError} `annotations` or `utf8-invalid`.
 */
export function validateAnnotations(annotations: ReadonlyMap<string, Uint8Array>): void {
  // An aggregate of Go says the same thing only once.
  const faults = new Set<string>();
  let totalBytes = 0;
  for (const [key, value] of annotations) {
    const reason = domainNameFault(key);
    if (reason !== undefined) faults.add(`annotations: ${reason}`);
    totalBytes += utf8(key).length + value.length;
  }
  if (totalBytes > annotationsMaxBytes) {
    faults.add(`total size of annotations is ${totalBytes}, which exceeds the max size of ${annotationsMaxBytes}`);
  }
  if (faults.size > 0) throw new EnvelopeError("annotations", faults.size === 1 ? [...faults].join() : `[${[...faults].join(", ")}]`);
}

const label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const subdomain = `${label}(\\.${label})*`;
const subdomainPattern = new RegExp(`^${subdomain}$`);
const subdomainMaxBytes = 253;
const labelMaxBytes = 63;

/** Why a name is no fully qualified domain name, in the words of IsFullyQualifiedDomainName of k8s.io/apimachinery; undefined if it is one. */
function domainNameFault(key: string): string | undefined {
  if (key === "") return "Required value";
  const name = key.endsWith(".") ? key.slice(0, -1) : key;
  const faults: string[] = [];
  if (utf8(name).length > subdomainMaxBytes) faults.push(`must be no more than ${subdomainMaxBytes} characters`);
  if (!subdomainPattern.test(name)) {
    faults.push(
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', " +
        `and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${subdomain}')`,
    );
  }
  if (faults.length > 0) return `Invalid value: ${JSON.stringify(name)}: ${faults.join(",")}`;
  const labels = name.split(".");
  if (labels.length < 2) return `Invalid value: "${name}": should be a domain with at least two segments separated by dots`;
  const long = labels.find(({ length }) => length > labelMaxBytes);
  return long === undefined ? undefined : `Invalid value: "${long}": must be no more than ${labelMaxBytes} characters`;
}

function wrapped(context: string, validate: () => void): void {
  try {
    validate();
  } catch (thrown) {
    throw thrown instanceof EnvelopeError ? thrown.within(context) : thrown;
  }
}
