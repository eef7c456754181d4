import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SecureVersion } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock as clock } from "../../../harness/clock.ts";
import { Lease } from "../../../harness/lease.ts";
import { ApiAnswer } from "../../../harness/load/api-answer.ts";
import { issueServerCertificates, type ServerCertificates } from "../../../harness/target/certificates.ts";
import { chooseTarget } from "../../../harness/target/choose.ts";
import type { EncryptionConfiguration, ProviderConfiguration } from "../../../harness/target/encryption-configuration.ts";
import { defaultVersions, removeContainer } from "../../../harness/target/install/index.ts";
import type { Outcome } from "../check.ts";
import { securityChecks } from "../index.ts";
import { openSecurity } from "../security-plane.ts";
import type { GuardedFile, Place, PlaceKind, SecuritySubject } from "../security-subject.ts";

type Wrong = (right: SecuritySubject) => Partial<SecuritySubject>;

interface Mutant {
  /** What is wrong, in words. */
  readonly wrong: string;
  readonly alter: Wrong;
  /** Stands in the evidence of what is wrong. */
  readonly says: string;
}

const { signal } = new AbortController();
const held = new AsyncDisposableStack();
let certificates: ServerCertificates;
let right: SecuritySubject;

/** By the name of the check that has to fail. */
const mutants: Readonly<Record<string, readonly Mutant[]>> = {
  "api-authenticated": [{ wrong: "shows Secrets to anybody", alter: () => ({ doors: doors({ api: "open" }) }), says: "HTTP 200" }],
  "etcd-folder-mode": [guarded("stored values", 0o755), guarded("stored values", 0o710)],
  "key-files-mode": [guarded("keys", 0o644), guarded("keys", 0o640)],
  "socket-mode": [guarded("socket", 0o777), guarded("socket", 0o602)],
  "identity-behind": [providers("has identity behind", [{ kind: "aesgcm", keys: [] }, { kind: "identity" }], "in plain text")],
  "identity-first": [
    providers("has identity in front", [{ kind: "identity" }, { kind: "aesgcm", keys: [] }], "stored in plain text"),
    providers("encrypts no Secrets", [], "no provider for Secrets"),
  ],
  "moved-aesgcm": [movedRead(), movedOtherwise()],
  "moved-kms-v1": [movedRead(), movedOtherwise()],
  "moved-kms-v2": [movedRead(), movedOtherwise()],
  "moved-aescbc": [movedRefused()],
  "moved-secretbox": [movedRefused()],
  "tampered-aesgcm": [changeRead()],
  "tampered-kms-v1": [changeRead()],
  "tampered-kms-v2": [changeRead()],
  "tampered-secretbox": [changeRead()],
  "tampered-aescbc": [
    { wrong: "notices the change", alter: answering((_, isStored) => (isStored ? undefined : refusal("bad padding"))), says: "HTTP 500" },
    { wrong: "shows what was written", alter: whateverLies(), says: "HTTP 200" },
  ],
  "plain-text-refused": [{ wrong: "serves it", alter: whateverLies(), says: "HTTP 200" }],
  "random-unique": [
    {
      wrong: "draws one nonce twice",
      alter: drawn((strings) => [...strings.slice(1), strings[1] ?? randomBytes(12)]),
      says: "different values",
    },
  ],
  "random-uniform": [
    { wrong: "counts", alter: drawn((strings) => strings.map((string, index) => counting(string.length, index))), says: "σ" },
    { wrong: "never sets a bit", alter: drawn((strings) => strings.map((string) => string.map((byte) => byte & 0x7f))), says: "σ" },
  ],
  "search-credentials": [
    {
      wrong: "logs the key",
      alter: (of) => placed("API server's log", of, hexOf(of.credentials, "the key of the local providers")),
      says: "hex",
    },
    {
      wrong: "keeps a token",
      alter: (of) => placed("run folder", of, secretOf(of.credentials, "the administrator's token")),
      says: "as it is",
    },
    {
      wrong: "logs the plugin's key",
      alter: (of) => placed("plugin's log", of, hexOf(of.credentials, "the plugin's key")),
      says: "the plugin's key",
    },
  ],
  "search-keys": leaks("keys"),
  "search-revisions": leaks("revisions"),
  "search-database": leaks("database"),
  "search-wal": leaks("write-ahead log"),
  "search-snapshots": leaks("snapshots"),
  "search-api-server-log": leaks("API server's log"),
  "search-etcd-log": leaks("etcd's log"),
  "search-plugin-log": leaks("plugin's log"),
  "search-run-folder": [
    ...leaks("run folder"),
    {
      wrong: "keeps what a benchmark wrote",
      alter: (of) => ({
        ...placed("run folder", of, Buffer.from("a value of a run")),
        runSecrets: new Map([["key of a/b", Buffer.from("a value of a run")]]),
      }),
      says: "key of a/b",
    },
  ],
  "tls-api-server": [
    { wrong: "speaks no TLS", alter: () => ({ doors: doors({ api: "plain" }) }), says: "HTTP 200" },
    { wrong: "speaks TLS 1.0", alter: () => ({ doors: doors({ api: "old" }) }), says: "TLSv1" },
    { wrong: "has a certificate of somebody else", alter: () => ({ doors: doors({ api: "foreign" }) }), says: "CERT" },
  ],
  "tls-etcd": [
    { wrong: "speaks no TLS", alter: () => ({ doors: doors({ etcd: "plain" }) }), says: "HTTP 200" },
    { wrong: "speaks TLS 1.0", alter: () => ({ doors: doors({ etcd: "old" }) }), says: "TLSv1" },
    { wrong: "asks for no certificate", alter: () => ({ doors: doors({ etcd: "open" }) }), says: "TLSv1.3" },
  ],
};

function guarded(holds: GuardedFile["holds"], mode: number): Mutant {
  const file = { name: "a file", holds, mode };
  return {
    wrong: `has a mode of 0${mode.toString(8)}`,
    alter: (of) => ({ guardedFiles: async () => [...(await of.guardedFiles()), file] }),
    says: `0${mode.toString(8)}`,
  };
}

function providers(wrong: string, of: ProviderConfiguration[], says: string): Mutant {
  const encryption: EncryptionConfiguration = { resources: [{ resources: ["secrets"], providers: of }] };
  return { wrong, alter: () => ({ configuration: { of: "a file", encryption } }), says };
}

/** Reads otherwise, but what lies where it was written. */
function answering(answer: (own: ApiAnswer, isStored: boolean) => ApiAnswer | undefined): Wrong {
  return (of) => ({
    async readWith(secret, bytes) {
      const own = await of.readWith(secret, await storedOf(of, secret));
      const isStored = Buffer.from(await storedOf(of, secret)).equals(bytes);
      return answer(own, isStored) ?? (await of.readWith(secret, bytes));
    },
  });
}

async function storedOf(of: SecuritySubject, { namespace, name }: { readonly namespace: string; readonly name: string }) {
  for (const kind of of.kinds) {
    const found = (await of.samples(kind)).find((sample) => sample.namespace === namespace && sample.name === name);
    if (found !== undefined) return found.stored;
  }
  throw new Error("There is no such sample.");
}

function refusal(message: string): ApiAnswer {
  return new ApiAnswer(500, Buffer.from(JSON.stringify({ kind: "Status", message, reason: "InternalError" })));
}

/** An API server that shows what was written, whatever lies there. */
function whateverLies(): Wrong {
  return answering((own) => own);
}

function movedRead(): Mutant {
  return { wrong: "binds no value to its key", alter: whateverLies(), says: "did not bind the value to its key" };
}

function movedOtherwise(): Mutant {
  return {
    wrong: "fails for another reason",
    alter: answering((_, isStored) => (isStored ? undefined : refusal("disk on fire"))),
    says: "disk on fire",
  };
}

function movedRefused(): Mutant {
  return {
    wrong: "binds values to their keys",
    alter: answering((_, isStored) => (isStored ? undefined : refusal("message authentication failed"))),
    says: "message authentication failed",
  };
}

function changeRead(): Mutant {
  return { wrong: "authenticates nothing", alter: whateverLies(), says: "HTTP 200" };
}

function drawn(draw: (strings: readonly Uint8Array[]) => Uint8Array[]): Wrong {
  return (of) => ({ randomParts: async () => (await of.randomParts()).map((part) => ({ ...part, strings: draw(part.strings) })) });
}

function counting(length: number, index: number): Uint8Array {
  const bytes = Buffer.alloc(length);
  bytes.writeUInt32BE(index, length - 4);
  return bytes;
}

/** Every provider's Secrets, each in another spelling, lie in a place of this kind. */
function leaks(kind: PlaceKind): Mutant[] {
  const spellings: Record<string, (canary: Uint8Array) => Uint8Array> = {
    "as it is": (canary) => canary,
    base64: (canary) => Buffer.from(Buffer.concat([Buffer.from("v"), canary]).toString("base64")),
    hex: (canary) => Buffer.from(Buffer.from(canary).toString("hex")),
  };
  return Object.entries(spellings).map(([spelling, spell], index) => ({
    wrong: `holds a Secret ${spelling}`,
    alter: (of) => placed(kind, of, spell([...of.canaries.values()][index] ?? new Uint8Array())),
    says: spelling,
  }));
}

/** Besides what lies in places of this kind, these bytes. */
function placed(kind: PlaceKind, of: SecuritySubject, bytes: Uint8Array): Partial<SecuritySubject> {
  return { places: async (asked) => [...(await of.places(asked)), ...(asked === kind ? [place("another place", bytes)] : [])] };
}

function place(name: string, bytes: Uint8Array): Place {
  return {
    name,
    async *read() {
      yield Buffer.concat([Buffer.from("before "), bytes, Buffer.from(" behind")]);
    },
  };
}

function secretOf(values: ReadonlyMap<string, Uint8Array>, begin: string): Uint8Array {
  const found = [...values].find(([name]) => name.startsWith(begin));
  if (found === undefined) throw new Error(`There is nothing that is called ${begin}.`);
  return found[1];
}

function hexOf(values: ReadonlyMap<string, Uint8Array>, begin: string): Uint8Array {
  return Buffer.from(Buffer.from(secretOf(values, begin)).toString("hex"));
}

const doorKinds = ["right", "open", "old", "plain", "foreign"] as const;
type DoorKind = (typeof doorKinds)[number];
const urls = new Map<string, string>();

/** An API server and an etcd as they should be, but for what is named. */
function doors({ api = "right", etcd = "right" }: { api?: DoorKind; etcd?: DoorKind }): SecuritySubject["doors"] {
  const { caPem, certificatePem, keyPem } = certificates;
  const identity = { certificatePem, keyPem };
  return {
    apiServer: { url: urls.get(`api ${api}`) ?? "", caPem },
    etcd: { url: urls.get(`etcd ${etcd}`) ?? "", caPem, ...identity },
  };
}

async function openDoor(who: "api" | "etcd", kind: DoorKind): Promise<void> {
  const { certificatePem: cert, keyPem: key, caPem: ca } = kind === "foreign" ? await issueServerCertificates() : certificates;
  const asks = who === "etcd" && kind !== "open" && kind !== "old" ? { ca, requestCert: true, rejectUnauthorized: true } : {};
  const oldest: SecureVersion = kind === "old" ? "TLSv1" : "TLSv1.2";
  const ciphers = kind === "old" ? { ciphers: "DEFAULT@SECLEVEL=0" } : {};
  const status = kind === "open" || kind === "plain" ? 200 : 401;
  const answer = (_: unknown, response: { writeHead(status: number): { end(text: string): void } }) => {
    response.writeHead(status).end("{}");
  };
  const server =
    kind === "plain" ? createHttpServer(answer) : createHttpsServer({ cert, key, minVersion: oldest, ...ciphers, ...asks }, answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  held.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  urls.set(`${who} ${kind}`, `https://127.0.0.1:${port}`);
}

/** What the model lacks: the files of an etcd, in which what nobody encrypts lies in plain text, and its doors. */
function withDisk(of: SecuritySubject): SecuritySubject {
  const diskKinds: readonly PlaceKind[] = ["database", "write-ahead log", "snapshots", "etcd's log"];
  return derived(of, {
    lacks: () => undefined,
    doors: doors({}),
    places: async (kind) => (diskKinds.includes(kind) ? [place(`the ${kind}`, of.plainCanary)] : of.places(kind)),
    guardedFiles: async () => [...(await of.guardedFiles()), { name: "etcd's folder", holds: "stored values", mode: 0o700 }],
  });
}

/** The same with other members; a subject may be of a class, so that a copy would lack its methods. */
function derived(of: SecuritySubject, members: Partial<SecuritySubject>): SecuritySubject {
  return Object.assign(
    {
      signal: of.signal,
      canaries: of.canaries,
      plainCanary: of.plainCanary,
      runSecrets: of.runSecrets,
      credentials: of.credentials,
      kinds: of.kinds,
      doors: of.doors,
      configuration: of.configuration,
      lacks: of.lacks.bind(of),
      places: of.places.bind(of),
      samples: of.samples.bind(of),
      randomParts: of.randomParts.bind(of),
      readWith: of.readWith.bind(of),
      guardedFiles: of.guardedFiles.bind(of),
    } satisfies SecuritySubject,
    members,
  );
}

async function verdictOf(name: string, subject: SecuritySubject): Promise<Outcome> {
  const check = securityChecks.find(({ id }) => id === `security/${name}`);
  if (check === undefined) throw new Error(`There is no check security/${name}.`);
  return check.run(subject);
}

describe("the checks of security", () => {
  beforeAll(async () => {
    certificates = await issueServerCertificates();
    for (const kind of doorKinds) await Promise.all([openDoor("api", kind), openDoor("etcd", kind)]);
    const ownRunFolder = mkdtempSync(join(tmpdir(), "kmsmark-security-"));
    held.defer(() => rmSync(ownRunFolder, { recursive: true }));
    writeFileSync(join(ownRunFolder, "journal.jsonl"), "{}\n");
    const lease = held.use(Lease.take("test", removeContainer));
    const { target } = await chooseTarget({
      ...{ wanted: "embedded", ...defaultVersions, environment: process.env, clock, signal },
      progress: () => {},
    });
    const pluginKeys = async () => new Map([["the plugin's key 1", Uint8Array.from(randomBytes(32))]]);
    const nothing = { pluginSocket: undefined, runFolder: undefined, encryptionConfig: undefined };
    const options = { target, ...defaultVersions, ...nothing, ownRunFolder, pluginKeys, writes: 1000, lease, clock, signal };
    right = withDisk(held.use(await openSecurity({ ...options, say: () => {} })));
  });
  afterAll(() => held.disposeAsync());

  it("have a mutant each", () => {
    expect(Object.keys(mutants).sort()).toEqual(securityChecks.map(({ id }) => id.slice("security/".length)).sort());
  });

  // One after the other, as in a run: some change what others read.
  it("find nothing wrong with what is right", async () => {
    const others: unknown[] = [];
    for (const { id } of securityChecks) {
      const outcome = await verdictOf(id.slice("security/".length), right);
      if (outcome.verdict !== "pass") others.push({ id, ...outcome });
    }
    expect(others).toEqual([]);
  });

  const cases = Object.entries(mutants).flatMap(([name, of]) => of.map(({ wrong, alter, says }) => ({ name, wrong, alter, says })));
  it.each(cases)("$name fails on a subject that $wrong", async ({ name, alter, says }) => {
    const { verdict, evidence } = await verdictOf(name, derived(right, alter(right)));
    expect(verdict).toBe("fail");
    expect(evidence[0]?.received).toContain(says);
  });

  it("tell nothing of what is secret", async () => {
    const secrets = [...right.canaries.values(), ...right.credentials.values()];
    for (const { name, alter } of cases) {
      const told = Buffer.from(JSON.stringify(await verdictOf(name, derived(right, alter(right)))));
      for (const secret of secrets) {
        expect(told.includes(Buffer.from(secret))).toBe(false);
        expect(told.includes(Buffer.from(secret).toString("hex"))).toBe(false);
        expect(told.includes(Buffer.from(secret).toString("base64"))).toBe(false);
      }
    }
  });

  it("do not judge a search that would find nothing", async () => {
    const blind = derived(right, { places: async () => [place("an empty place", new Uint8Array())] });
    for (const name of ["search-keys", "search-revisions", "search-database", "search-wal"]) {
      expect(await verdictOf(name, blind)).toMatchObject({ verdict: "inconclusive" });
    }
  });

  it("do not judge too few writes", async () => {
    const few = derived(right, drawn((strings) => strings.slice(0, 50))(right));
    expect(await verdictOf("random-uniform", few)).toMatchObject({ verdict: "inconclusive" });
  });
});
