import { randomBytes } from "node:crypto";
import {
  buildStoredValue,
  openAesCbc,
  openAesGcm,
  openIdentity,
  openSecretbox,
  parseStoredValue,
  sealAesCbc,
  sealAesGcm,
  sealSecretbox,
} from "../../envelope/index.ts";
import { keyTransformers, type LocalKind } from "../../model/index.ts";
import type { LocalKey } from "../encryption-configuration.ts";
import { OrderedTransformers, type Plaintext, type Transformer, type TransformerScope, transforming } from "./transformer.ts";

const schemes = {
  aescbc: { seal: sealAesCbc, open: openAesCbc },
  aesgcm: { seal: sealAesGcm, open: openAesGcm },
  secretbox: { seal: sealSecretbox, open: openSecretbox },
} as const;

/** A provider that holds its keys itself: its keys are a second level of transformers, with metrics of their own. */
export function localProvider(kind: LocalKind, keys: readonly LocalKey[], scope: TransformerScope): Transformer {
  const names = keys.map(({ name }) => name);
  const transformers = keys.map((key) => localKey(kind, key));
  return new OrderedTransformers(keyTransformers(kind, names), transformers, scope, `k8s:enc:${kind}:v1:`);
}

function localKey(kind: LocalKind, { name, secret }: LocalKey): Transformer {
  const { seal, open } = schemes[kind];
  return {
    write: async (plaintext, aad) =>
      transforming(() => buildStoredValue({ kind, keyName: name, body: seal(secret, { plaintext, aad, random: randomBytes }) })),
    read: async (value, aad): Promise<Plaintext> =>
      transforming(() => {
        const stored = parseStoredValue(value, [name]);
        const body = stored.kind === kind ? stored.body : value;
        return { plaintext: open(secret, body, aad).plaintext, stale: false };
      }),
  };
}

/** Stores values as they are, and refuses to read what some other provider encrypted. */
export const identityProvider: Transformer = {
  write: async (plaintext) => plaintext,
  read: async (value) => transforming(() => ({ plaintext: openIdentity(value).plaintext, stale: false })),
};
