import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, systemCodeOf, TargetError } from "../errors.ts";
import { issueServerCertificates, type ServerCertificates } from "./certificates.ts";
import { type EncryptionFile, renderEncryptionConfiguration } from "./encryption-configuration.ts";

/** The files of one real control plane, in a folder of their own that only this user may enter; each has mode 0600. */
export interface PlaneFiles extends AsyncDisposable {
  /** The parent of all the others. */
  readonly folder: string;
  readonly certificates: ServerCertificates;
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly serviceAccountKeyFile: string;
  readonly tokenFile: string;
  /** What {@link tokenFile} lets in as a member of system:masters. */
  readonly token: string;
  /** Of the first API server. */
  readonly encryptionFile: string;
  readonly dataFolder: string;
  /** What each API server has for itself, in their order. */
  readonly servers: readonly ServerFiles[];
}

/** The files of one API server of a control plane. */
export interface ServerFiles {
  /** `kube-apiserver`, or `kube-apiserver-2` of the second: what its log is called. */
  readonly name: string;
  readonly encryptionFile: string;
  readonly scratchFolder: string;
  /** Exchanges {@link encryptionFile} in one step; a server that runs notices it if it was told to. */
  writeEncryption(encryption: EncryptionFile): Promise<void>;
}

/**
 * Makes keys, certificates and a token and writes them below `parent`.
 * @throws TargetError `disk-full` or `scratch-unwritable`
 */
export async function writePlaneFiles(parent: string, apiServers: number): Promise<PlaneFiles> {
  const folder = await explained(parent, () => mkdtemp(join(parent, "plane-")));
  const certificates = await issueServerCertificates();
  const token = randomBytes(32).toString("base64url");
  const { privateKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    // The only one of Go's spellings for an EC key that kube-apiserver takes here.
    privateKeyEncoding: { type: "sec1", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  const servers = Array.from({ length: apiServers }, (_, server) => serverFiles(folder, server));
  const files = {
    folder,
    certificates,
    token,
    caFile: join(folder, "ca.pem"),
    certificateFile: join(folder, "server.pem"),
    keyFile: join(folder, "server-key.pem"),
    serviceAccountKeyFile: join(folder, "service-account-key.pem"),
    tokenFile: join(folder, "tokens.csv"),
    encryptionFile: serverFiles(folder, 0).encryptionFile,
    dataFolder: join(folder, "etcd"),
    servers,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
  await explained(folder, async () => {
    await mkdir(files.dataFolder, { mode: 0o700 });
    for (const { scratchFolder } of servers) await mkdir(scratchFolder, { mode: 0o700 });
    await write(files.caFile, certificates.caPem);
    await write(files.certificateFile, certificates.certificatePem);
    await write(files.keyFile, certificates.keyPem);
    await write(files.serviceAccountKeyFile, privateKey);
    // token,user,uid,"group": https://kubernetes.io/docs/reference/access-authn-authz/authentication/#static-token-file
    await write(files.tokenFile, `${token},kmsmark,kmsmark,"system:masters"\n`);
  });
  return files;
}

function serverFiles(folder: string, server: number): ServerFiles {
  const suffix = server === 0 ? "" : `-${server + 1}`;
  const encryptionFile = join(folder, `encryption${suffix}.yaml`);
  return {
    name: `kube-apiserver${suffix}`,
    encryptionFile,
    scratchFolder: join(folder, `kube-apiserver${suffix}`),
    writeEncryption: (encryption) =>
      explained(folder, async () => {
        const draft = `${encryptionFile}.new`;
        await write(draft, renderEncryptionConfiguration(encryption));
        await rename(draft, encryptionFile);
      }),
  };
}

function write(path: string, text: string): Promise<void> {
  return writeFile(path, text, { mode: 0o600 });
}

async function explained<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (systemCodeOf(thrown) === "ENOSPC") {
      throw new TargetError("disk-full", `The disk of ${folder} is full.`, {
        hint: "Free some space, or set TMPDIR to a folder on another disk.",
        cause: thrown,
      });
    }
    throw new TargetError("scratch-unwritable", `The scratch folder ${folder} cannot be written: ${messageOf(thrown)}.`, {
      hint: "Set TMPDIR to a folder that you may write.",
      cause: thrown,
    });
  }
}
