import type { KmsVersion } from "../../harness/kms/contract.ts";
import { secretsBy } from "./apiserver-reload.ts";
import type { TestServer } from "./apiserver-server.ts";
import type { Stage } from "./apiserver-subject.ts";
import type { Findings } from "./check.ts";
import type { KmsCall, ScriptedKms } from "./scripted-kms.ts";

/** The provider's name in the configuration. */
export const kmsName = "one";

/** gRPC's UNAVAILABLE: what a plugin answers whose KMS is gone. */
export const unavailable = 14;

/** The longest time that a good result of a health check is given out, milliseconds (spec encryption-at-rest 1.5, 2.5). */
export const goodResultMs = 20_000;
/** The same of a bad result. */
export const badResultMs = 3_000;

/** Until an endpoint asks again and shows what came of it, and something for a machine that has other things to do. */
const healthMsMax = { withinMs: goodResultMs + 15_000, everyMs: 500 };

const wordsMax = 400;

/** An API server that stores Secrets with one KMS provider and nothing else. */
export interface KmsServer {
  readonly server: TestServer;
  readonly kms: ScriptedKms;
  /** The endpoint that shows what the API server thinks of the plugin. */
  readonly healthPath: string;
}

export interface KmsServerOptions {
  /** KMS v1 only. */
  readonly cacheSize?: number;
  readonly featureGates?: Readonly<Record<string, boolean>>;
}

/** Starts one on a stage, with an honest plugin. */
export async function startWithKms(
  stage: Stage,
  apiVersion: KmsVersion,
  { cacheSize, featureGates = {} }: KmsServerOptions = {},
): Promise<KmsServer> {
  const kms = await stage.startKms();
  const cache = cacheSize === undefined ? {} : { cacheSize };
  const server = await stage.startServer({
    encryption: secretsBy({ kind: "kms", apiVersion, name: kmsName, socket: kms.socket, ...cache }),
    featureGates,
  });
  return { server, kms, healthPath: apiVersion === "v2" ? "/healthz/kms-providers" : "/healthz/kms-provider-0" };
}

/**
 * Asks the health endpoint until it says these words, or is well again where none are given, and adds whether it came to that. The result of a
 * check is given out for up to 20 s before the plugin is asked again.
 */
export async function addHealth(
  findings: Findings,
  stage: Stage,
  { server, healthPath }: KmsServer,
  { sent, says }: { readonly sent: string; readonly says?: string },
): Promise<boolean> {
  let [status, text] = [0, ""];
  const isSeen = await stage.until(async () => {
    ({ status, text } = await server.health(healthPath));
    return says === undefined ? status === 200 : status === 500 && text.includes(says);
  }, healthMsMax);
  return findings.add(isSeen, {
    sent,
    received: `HTTP ${status}: ${text.trim().slice(0, wordsMax)}`,
    expected: says === undefined ? "HTTP 200" : `HTTP 500 with: ${says}`,
  });
}

/** Exchanges the plugin's key and has the API server notice it, which it does the sooner the more often its health is asked for. */
export async function rotate(stage: Stage, { server, kms, healthPath }: KmsServer, keyId: string): Promise<boolean> {
  const { mark } = kms;
  kms.keyId = keyId;
  const isNoticed = await stage.until(async () => {
    await server.health(healthPath);
    return kms.since(mark, "Encrypt").length > 0;
  }, healthMsMax);
  // The seed is in use once the check that made it has ended, and checks wait for one another.
  await server.health(healthPath);
  return isNoticed;
}

/** The calls since a mark without those of KMS v1's health probe, which encrypts the word ping and decrypts what came of that. */
export function workSince(kms: ScriptedKms, mark: number, method: KmsCall["method"]): readonly KmsCall[] {
  const pings = new Set(kms.calls.filter(({ plaintext }) => plaintext?.isPing === true).map(({ ciphertext }) => hexOf(ciphertext)));
  return kms.since(mark, method).filter(({ ciphertext }) => ciphertext === undefined || !pings.has(hexOf(ciphertext)));
}

export function hexOf(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString("hex");
}
