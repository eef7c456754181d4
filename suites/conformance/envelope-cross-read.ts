import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { decodeSecret, encodeSecret, type StoredKind, type StoredSecret } from "../../harness/envelope/index.ts";
import type { ApiAnswer } from "../../harness/load/api-answer.ts";
import { wordsOf } from "./answers.ts";
import { Findings, notApplicable, type Outcome } from "./check.ts";
import type { EnvelopePlane, PlaneKeys, WrittenSecret } from "./envelope-plane.ts";
import type { SealedAs } from "./envelope-seal.ts";
import { isSecretOf } from "./envelope-secret.ts";
import { type EnvelopeSubject, kindTitles } from "./envelope-subject.ts";

/** The contents whose like the API server has to give back: bytes of every value, a length of each padding, none at all. */
const samples: readonly { readonly what: string; readonly data: () => ReadonlyMap<string, Uint8Array> }[] = [
  { what: "all 256 byte values", data: () => new Map([["bytes", Uint8Array.from({ length: 256 }, (_, byte) => byte)]]) },
  { what: "no data", data: () => new Map() },
  { what: "40 KiB", data: () => new Map([["large", randomBytes(40 * 1024)]]) },
  ...Array.from({ length: 16 }, (_, at) => ({
    what: `a value of ${at + 1} bytes`,
    data: () => new Map([["value", randomBytes(at + 1)]]),
  })),
];

/** Secrets that this project's codec sealed, put into etcd, are what the API server answers when it is asked for them. */
export async function codecToApi(
  subject: EnvelopeSubject,
  { what, seal }: { readonly what: string; readonly seal: (keys: PlaneKeys, sealed: SealedAs) => Uint8Array | Promise<Uint8Array> },
): Promise<Outcome> {
  const plane = planeOf(subject);
  const findings = new Findings();
  for (const sample of samples) {
    const { secret, key } = plane.newSecret(sample.data());
    const value = await seal(plane.keys, { plaintext: encodeSecret(secret), key });
    const answer = await plane.readBack(secret, value);
    findings.add(isShown(answer, secret), {
      sent: `GET of a Secret with ${sample.what} that kmsmark sealed as ${what} and put into etcd, ${value.length} bytes`,
      received: answer.failure === undefined && !isShown(answer, secret) ? "HTTP 200 with another Secret" : wordsOf(answer),
      expected: "HTTP 200 with exactly that Secret",
    });
  }
  return findings.outcome(3);
}

/** What the API server stored while a provider was its first opens without it, and is what it had been told to write. */
export async function apiToCodec(subject: EnvelopeSubject, kind: StoredKind): Promise<Outcome> {
  const what = `a Secret through the API with ${kindTitles[kind]} as the first provider`;
  return await judgeWritten(planeOf(subject).written(kind), kind, `${what}, and what lies in etcd then opened without the API server`);
}

/** What the API server wrote anew, because another provider is first now, is the first one's, and still what it had been told to write. */
export async function migrated(subject: EnvelopeSubject): Promise<Outcome> {
  const { to, secrets } = planeOf(subject).migrated;
  return await judgeWritten(
    secrets,
    to,
    `a PUT of an older provider's Secret that changes nothing, with ${kindTitles[to]} as the first provider`,
  );
}

async function judgeWritten(written: readonly WrittenSecret[], kind: StoredKind, sent: string): Promise<Outcome> {
  if (written.length === 0) return notApplicable(`The API server wrote nothing with ${kindTitles[kind]}.`);
  const findings = new Findings();
  for (const secret of written) {
    const fault = await faultOf(secret, kind);
    findings.add(fault === undefined, {
      sent,
      received: fault ?? "the Secret that was written",
      expected: "the Secret that was written",
    });
  }
  return findings.outcome(3);
}

async function faultOf({ spec, stored }: WrittenSecret, kind: StoredKind): Promise<string | undefined> {
  if (stored.split?.kind !== kind) return `a value of ${stored.split?.kind ?? "no provider"}`;
  const opening = await stored.opening();
  if (opening.state !== "opened") return opening.state === "refused" ? opening.reason : "a value that cannot be read";
  if (opening.opened.legacy) return "a value in the form of Kubernetes 1.24 and before";
  return isSecretOf(decodeSecret(opening.opened.plaintext), spec) ? undefined : "another Secret than the one that was written";
}

/** A value that the API server has to refuse to read. */
export interface BrokenValue {
  /** In words, for the evidence. */
  readonly what: string;
  readonly seal: (keys: PlaneKeys, sealed: SealedAs) => Uint8Array | Promise<Uint8Array>;
  /** What its refusal says. */
  readonly message: string;
  /** It is left out where the plugin does not serve this version. */
  readonly need?: "kms-v1" | "kms-v2";
}

/** Each of the values is refused with HTTP 500 and its text. */
export async function apiRefuses(subject: EnvelopeSubject, broken: readonly BrokenValue[]): Promise<Outcome> {
  const plane = planeOf(subject);
  const findings = new Findings();
  const known = broken.filter(({ need }) => need === undefined || subject.lacks(need) === undefined);
  for (const { what, seal, message } of known) {
    const { secret, key } = unblockedSecret(plane);
    const answer = await plane.readBack(secret, await seal(plane.keys, { plaintext: encodeSecret(secret), key }));
    findings.add(answer.status === 500 && answer.failure?.includes(message) === true, {
      sent: `GET of a Secret in whose place etcd holds ${what}`,
      received: wordsOf(answer),
      expected: `HTTP 500 with: ${message}`,
    });
  }
  return findings.outcome(known.length);
}

function planeOf({ plane }: EnvelopeSubject): EnvelopePlane {
  if (plane === undefined) throw new Error("The need of this check was not declared.");
  return plane;
}

const blockBytes = 16;
const gcmOverheadBytes = 28;

/**
 * Its payload in KMS v1 is not made of whole blocks: one that is may be taken for the CBC of Kubernetes ≤ 1.24 once it was tampered with, and
 * one in 250 such is read without an error (spec encryption-at-rest 1.2, fallback hazard).
 */
function unblockedSecret(plane: EnvelopePlane): ReturnType<EnvelopePlane["newSecret"]> {
  const candidate = plane.newSecret(new Map([["value", randomBytes(8)]]));
  const isBlocks = (encodeSecret(candidate.secret).length + gcmOverheadBytes) % blockBytes === 0;
  return isBlocks ? plane.newSecret(new Map([["value", randomBytes(9)]])) : candidate;
}

const shownSchema = z.object({
  kind: z.literal("Secret"),
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    creationTimestamp: z.string(),
    labels: z.record(z.string(), z.string()),
    annotations: z.record(z.string(), z.string()),
  }),
  type: z.string(),
  data: z.record(z.string(), z.string()).default({}),
});

/** Whether the API shows a Secret exactly as it was sealed. */
function isShown(answer: ApiAnswer, { metadata, type, data }: StoredSecret): boolean {
  if (answer.failure !== undefined) return false;
  const shown = shownSchema.safeParse(answer.json()).data;
  return isDeepStrictEqual(shown, {
    kind: "Secret",
    metadata: { ...metadata, labels: Object.fromEntries(metadata.labels), annotations: Object.fromEntries(metadata.annotations) },
    type,
    data: Object.fromEntries([...data].map(([name, bytes]) => [name, Buffer.from(bytes).toString("base64")])),
  });
}
