import { readFile } from "node:fs/promises";
import { messageOf, UsageError } from "../errors.ts";
import type { EtcdAccess } from "./etcd-store.ts";

/** An etcd endpoint; the paths are those of PEM files. */
export interface EtcdSettings {
  readonly url: string;
  readonly caFile?: string | undefined;
  readonly certificateFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** kube-apiserver's --etcd-prefix, `/registry` unless it was told otherwise. */
  readonly prefix?: string | undefined;
}

/** Reads the PEM files. @throws UsageError `etcd-half-credential`, `unreadable-file` */
export async function readEtcdAccess({ url, caFile, certificateFile, keyFile }: EtcdSettings): Promise<EtcdAccess> {
  if ((certificateFile === undefined) !== (keyFile === undefined)) {
    throw new UsageError("etcd-half-credential", "A client certificate for etcd needs its key, and the key its certificate.");
  }
  return {
    url: url.replace(/\/+$/, ""),
    caPem: await readPem(caFile),
    certificatePem: await readPem(certificateFile),
    keyPem: await readPem(keyFile),
  };
}

async function readPem(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path, "utf8");
  } catch (thrown) {
    throw new UsageError("unreadable-file", `${path} cannot be read: ${messageOf(thrown)}.`, { cause: thrown });
  }
}
