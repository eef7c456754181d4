import { randomBytes } from "node:crypto";
import { seal, unseal, versionIdOf } from "./ciphertext.ts";
import { canonicalContext } from "./encryption-context.ts";
import { refuseInState } from "./key-state.ts";
import { type KeyRecord, type KeyStore, symmetricSpec } from "./key-store.ts";
import { invalid, optionalBoolean, optionalInteger, refuseUnknown, required } from "./parameters.ts";
import { type CloudAnswer, type CloudCall, CloudError, type CloudOperation, type JsonObject } from "./service.ts";

/** 6 KB. */
const plaintextBytesMax = 6144;
const keyResource = "ACS::KMS::Key";

/** What an operation answers: the ids, which are recorded, and the rest, which never is. */
interface Outcome {
  readonly ids: JsonObject;
  readonly secret: JsonObject;
}

/** The operations that encrypt and decrypt (spec alibaba-cloud 1.2), with symmetric keys alone. */
export function cryptography(keys: KeyStore): Readonly<Record<string, CloudOperation>> {
  /** The key that a parameter names, which the caller may use so and which can be used. */
  const usableKey = (call: CloudCall, parameter: string, action = `kms:${call.action}`): KeyRecord => {
    const given = required(call.parameters, parameter);
    // Before the caller learns whether the key is there.
    authorize(call, action, keys.arnMeantBy(given), keys.find(given)?.tags);
    const key = keys.get(given);
    call.concerns(keyResource, key.id);
    refuseInState(key, "use");
    return symmetric(key);
  };

  const sealed = (key: KeyRecord, plaintext: Uint8Array, context: Uint8Array) => {
    const { id, material = "" } = keys.primary(key);
    return { versionId: id, blob: seal(id, Buffer.from(material, "base64"), plaintext, context).toString("base64") };
  };

  /** Decrypts the blob of a parameter under the key version that it names. */
  const opened = (call: CloudCall, contextParameter: string, action: string) => {
    const blob = base64(call.parameters, "CiphertextBlob");
    const context = canonicalContext(call.parameters, contextParameter);
    const versionId = versionIdOf(blob);
    if (versionId === undefined) throw invalid("CiphertextBlob");
    const key = keys.keyOfVersion(versionId);
    // As of a key whose deletion is done; that it is this code is our guess.
    if (key === undefined) throw new CloudError(404, "Forbidden.KeyNotFound", "The specified Key is not found.");
    call.concerns(keyResource, key.id);
    authorize(call, action, keys.arnOf(key), key.tags);
    refuseInState(key, "use");
    const material = symmetric(key).versions.find(({ id }) => id === versionId)?.material ?? "";
    const plaintext = unseal(blob, Buffer.from(material, "base64"), context);
    if (plaintext === undefined) {
      // Which code the real one has for this was not to be found (spec alibaba-cloud 1.4).
      throw new CloudError(400, "InvalidParameter", `The specified parameter CiphertextBlob or ${contextParameter} is not valid.`);
    }
    return { ids: { KeyId: key.id, KeyVersionId: versionId }, plaintext };
  };

  const dataKey = (call: CloudCall, withPlaintext: boolean): Outcome => {
    const key = usableKey(call, "KeyId");
    const spec = call.parameters.get("KeySpec") ?? "";
    if (!["", "AES_256", "AES_128"].includes(spec)) throw invalid("KeySpec");
    const bytes = optionalInteger(call.parameters, "NumberOfBytes", 1, 1024) ?? (spec === "AES_128" ? 16 : 32);
    const plaintext = randomBytes(bytes);
    const { versionId, blob } = sealed(key, plaintext, canonicalContext(call.parameters, "EncryptionContext"));
    const shown = withPlaintext ? { Plaintext: plaintext.toString("base64") } : {};
    return { ids: { KeyId: key.id, KeyVersionId: versionId }, secret: { ...shown, CiphertextBlob: blob } };
  };

  return {
    Encrypt: operation(["KeyId"], (call) => {
      const key = usableKey(call, "KeyId");
      const plaintext = base64(call.parameters, "Plaintext");
      if (plaintext.length > plaintextBytesMax) throw invalid("Plaintext");
      const { versionId, blob } = sealed(key, plaintext, canonicalContext(call.parameters, "EncryptionContext"));
      return { ids: { KeyId: key.id, KeyVersionId: versionId }, secret: { CiphertextBlob: blob } };
    }),
    Decrypt: operation([], (call) => {
      const { ids, plaintext } = opened(call, "EncryptionContext", "kms:Decrypt");
      return { ids, secret: { Plaintext: plaintext.toString("base64") } };
    }),
    GenerateDataKey: operation(["KeyId", "KeySpec", "NumberOfBytes"], (call) => dataKey(call, true)),
    GenerateDataKeyWithoutPlaintext: operation(["KeyId", "KeySpec", "NumberOfBytes"], (call) => dataKey(call, false)),
    ReEncrypt: operation(["DestinationKeyId"], (call) => {
      const { ids, plaintext } = opened(call, "SourceEncryptionContext", "kms:ReEncryptFrom");
      const destination = usableKey(call, "DestinationKeyId", "kms:ReEncryptTo");
      const { blob } = sealed(destination, plaintext, canonicalContext(call.parameters, "DestinationEncryptionContext"));
      return { ids, secret: { CiphertextBlob: blob } };
    }),
  };

  function operation(recordedParameters: readonly string[], run: (call: CloudCall) => Outcome): CloudOperation {
    return {
      // How the real one writes them down was not to be found (spec alibaba-cloud 10); they change nothing.
      access: "Read",
      quota: "crypto",
      recordedParameters: [...recordedParameters, "DryRun"],
      handle(call): CloudAnswer {
        refuseUnknown(call.parameters, ["Recipient"]);
        if (optionalBoolean(call.parameters, "DryRun") === true) throw outcomeOfDryRun(() => run(call));
        const { ids, secret } = run(call);
        return { body: { ...ids, ...secret }, recorded: ids };
      },
    };
  }
}

type Tags = Readonly<Record<string, string>>;

function authorize(call: CloudCall, action: string, arn: string, tags: Tags = {}): void {
  call.authorize(action, arn, new Map(Object.entries(tags).map(([name, value]) => [`kms:tag/${name}`, value])));
}

function symmetric(key: KeyRecord): KeyRecord {
  if (key.spec === symmetricSpec && key.usage === "ENCRYPT/DECRYPT") return key;
  throw new CloudError(400, "Rejected.UnsupportedOperation", "The operation is not supported by the specification of the key.");
}

function base64(parameters: ReadonlyMap<string, string>, name: string): Buffer {
  const text = required(parameters, name);
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64") !== text) throw invalid(name);
  return bytes;
}

/** A dry run always fails: the code says whether the call would have worked. The HTTP statuses are our guess. */
function outcomeOfDryRun(run: () => unknown): CloudError {
  try {
    run();
  } catch (thrown) {
    if (!(thrown instanceof CloudError)) throw thrown;
    return thrown.status === 403
      ? new CloudError(403, "AccessDeniedError", "The dry run shows that the caller is not authorized.")
      : new CloudError(400, "ValidationError", "The dry run shows that the request is not valid.");
  }
  return new CloudError(400, "DryRunOperationError", "The request would have succeeded, but the DryRun parameter is set.");
}
