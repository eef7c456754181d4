import type { Timer } from "../clock.ts";
import { type KmsVersion, methodPaths } from "./contract.ts";
import type { FaultVerdict, TapMethod } from "./fault.ts";
import { MessageScanner, type WantedFields } from "./message-scanner.ts";
import type { TapBook } from "./tap-book.ts";

/** A method as the tap knows it: which fields of its messages (spec encryption-at-rest 1.1, 2.1) it looks at. */
export interface TappedMethod {
  readonly kms: KmsVersion;
  readonly method: TapMethod;
  readonly request: WantedFields;
  readonly response: WantedFields;
  readonly uidField?: number;
  /** In the request for Decrypt, in the response for Status and Encrypt. */
  readonly keyIdField?: number;
}

/** The contract allows 1 KiB for a key_id, and a uid has 36 bytes. What is longer is cut in the records. */
const nameBytesMax = 1024;
/** One more than "ping" has, so that a longer word is seen to be one. */
const probeWord = Buffer.from("ping");
const probeWordBytes = probeWord.length + 1;
/** KMS v1 stores the length of a ciphertext in 16 bits (spec encryption-at-rest 1.2), so no probe's is longer. */
const cipherBytesMax = 0xffff;
const v1PlainField = 2;
const v1RequestCipherField = 2;
const v1ResponseCipherField = 1;

const tappedMethods: ReadonlyMap<string, TappedMethod> = new Map<string, TappedMethod>([
  [methodPaths.v1.Version, { kms: "v1", method: "Version", request: new Map(), response: new Map() }],
  [
    methodPaths.v1.Encrypt,
    {
      kms: "v1",
      method: "Encrypt",
      request: new Map([[v1PlainField, probeWordBytes]]),
      response: new Map([[v1ResponseCipherField, cipherBytesMax]]),
    },
  ],
  [
    methodPaths.v1.Decrypt,
    { kms: "v1", method: "Decrypt", request: new Map([[v1RequestCipherField, cipherBytesMax]]), response: new Map() },
  ],
  [methodPaths.v2.Status, { kms: "v2", method: "Status", request: new Map(), response: names(3), keyIdField: 3 }],
  [methodPaths.v2.Encrypt, { kms: "v2", method: "Encrypt", request: names(2), response: names(2), uidField: 2, keyIdField: 2 }],
  [methodPaths.v2.Decrypt, { kms: "v2", method: "Decrypt", request: names(2, 3), response: new Map(), uidField: 2, keyIdField: 3 }],
]);

function names(...fields: readonly number[]): WantedFields {
  return new Map(fields.map((field) => [field, nameBytesMax]));
}

/** The method that a `:path` names, or undefined where it is none of a KMS plugin's. */
export function tappedMethodOf(path: string): TappedMethod | undefined {
  return tappedMethods.get(path);
}

/** One call on its way through the tap. */
export class TapCall {
  readonly method: TappedMethod;
  readonly verdict: FaultVerdict | undefined;
  readonly request: MessageScanner;
  readonly response: MessageScanner;
  /** DATA frames of the request that a latency fault holds back; undefined once they may pass. */
  held: Buffer[] | undefined;
  /** The fault's delay, while it runs. */
  timer: Timer | undefined;
  hasRequest = false;
  #sequence: number;
  #startMs: number;
  #book: TapBook;
  #purpose: "probe" | "work" = "work";

  /** @param nowMs - milliseconds since the tap started, of this and every other time given to the call. */
  constructor(method: TappedMethod, verdict: FaultVerdict | undefined, nowMs: number, book: TapBook) {
    this.method = method;
    this.verdict = verdict;
    this.request = new MessageScanner(method.request);
    this.response = new MessageScanner(method.response);
    this.#sequence = book.nextSequence();
    this.#startMs = nowMs;
    this.#book = book;
    book.inFlight++;
  }

  /** The plugin never gets the request's message. */
  get isSwallowed(): boolean {
    return this.verdict?.ending !== undefined;
  }

  /** The request is complete. */
  endRequest(nowMs: number): void {
    if (this.hasRequest) return;
    this.hasRequest = true;
    this.#startMs = nowMs;
    if (this.method.kms !== "v1") return;
    const word = this.method.method === "Encrypt" ? this.request.field(v1PlainField) : undefined;
    const cipher = this.method.method === "Decrypt" ? this.request.field(v1RequestCipherField) : undefined;
    if (word?.equals(probeWord) || (cipher !== undefined && this.#book.isOfProbe(cipher))) this.#purpose = "probe";
  }

  /** The call is over: it goes into the book. */
  end(grpcCode: number, nowMs: number): void {
    this.timer?.[Symbol.dispose]();
    const { kms, method, uidField, keyIdField } = this.method;
    if (kms === "v1" && method === "Encrypt" && this.#purpose === "probe") {
      const cipher = this.response.field(v1ResponseCipherField);
      if (cipher !== undefined) this.#book.addProbe(cipher);
    }
    // A call that failed may have been cut off anywhere.
    if (grpcCode === 0 || this.hasRequest) this.#report("request", this.request.problem);
    if (grpcCode === 0) this.#report("response", this.response.problem);
    const keyIdMessage = method === "Decrypt" ? this.request : this.response;
    this.#book.inFlight--;
    this.#book.add({
      sequence: this.#sequence,
      kms,
      method,
      uid: textOf(this.request, uidField),
      keyId: textOf(keyIdMessage, keyIdField),
      requestBytes: this.request.messageBytes,
      responseBytes: this.response.messageBytes,
      purpose: this.#purpose,
      startMs: this.#startMs,
      durationMs: nowMs - this.#startMs,
      grpcCode,
      fault: this.verdict?.names,
    });
  }

  /** Nobody will learn how the call ends. */
  abandon(): void {
    this.timer?.[Symbol.dispose]();
    this.#book.inFlight--;
  }

  #report(message: "request" | "response", problem: string | undefined): void {
    if (problem === undefined) return;
    const { kms, method } = this.method;
    this.#book.addProblem(`The message of a ${kms} ${method} ${message} ${problem}; the call is recorded without what the message says.`);
  }
}

function textOf(message: MessageScanner, field: number | undefined): string {
  return field === undefined ? "" : (message.field(field)?.toString("utf8") ?? "");
}
