import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** A request as the stub saw it. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  /** `x-acs-action`; empty where there is none. */
  readonly action: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  /** The client's port: one for each connection. */
  readonly port: number | undefined;
}

/** What a request is answered with; `reset` breaks the connection off, `half` in the middle of the answer, `hang` never answers. */
export type StubAnswer =
  | { readonly status?: number; readonly headers?: Readonly<Record<string, string>>; readonly body: unknown }
  | "reset"
  | "half"
  | "hang";

export interface StubCloud extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly seen: readonly SeenRequest[];
  /** Answers from now on; whatever it gives undefined for goes to what was there before. */
  answer(how: (request: SeenRequest) => StubAnswer | undefined): void;
  /** How many requests there were, by action. */
  counts(): Readonly<Record<string, number>>;
}

/** For tests: a server on loopback that answers as it is told. */
export async function startStubCloud(how: (request: SeenRequest) => StubAnswer | undefined): Promise<StubCloud> {
  const seen: SeenRequest[] = [];
  const answers = [how];
  const serve = async (incoming: IncomingMessage, response: ServerResponse) => {
    const url = new URL(incoming.url ?? "/", "http://stub");
    const request: SeenRequest = {
      method: incoming.method ?? "",
      path: url.pathname,
      action: String(incoming.headers["x-acs-action"] ?? ""),
      query: url.searchParams,
      headers: incoming.headers,
      body: await text(incoming),
      port: incoming.socket.remotePort,
    };
    seen.push(request);
    const answer = answers.reduce<StubAnswer | undefined>((found, each) => found ?? each(request), undefined) ?? { status: 404, body: {} };
    if (answer === "hang") return;
    if (answer === "reset") return void incoming.socket.resetAndDestroy();
    if (answer === "half") {
      response.writeHead(200, { "content-length": "1000" });
      return void response.write("{", () => incoming.socket.resetAndDestroy());
    }
    const body = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body);
    response.writeHead(answer.status ?? 200, answer.headers).end(body);
  };
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${portOf(server.address())}`,
    seen,
    answer: (next) => void answers.unshift(next),
    counts: () => {
      const counts: Record<string, number> = {};
      for (const { action } of seen) counts[action] = (counts[action] ?? 0) + 1;
      return counts;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new TypeError("A server that listens on a port has one.");
  return address.port;
}

/** An error of the service. */
export function refusal(status: number, Code: string, headers: Readonly<Record<string, string>> = {}): StubAnswer {
  return { status, headers, body: { Code, Message: "Not for the log.", HttpStatus: status, RequestId: randomUUID() } };
}

/** One key of a KMS, without permissions, signatures or quotas. */
export class StubKey {
  readonly id = "key-hzz62f1cb66fa42qo";
  metadata: Readonly<Record<string, string>> = {};
  /** What Encrypt uses where it is not the primary version, as on a dedicated gateway. */
  encrypting: string | undefined;
  readonly #versions = new Map<string, Buffer>();

  constructor() {
    this.rotate();
  }

  get primary(): string {
    return [...this.#versions.keys()].at(-1) ?? "";
  }

  rotate(): void {
    this.#versions.set(randomUUID(), randomBytes(32));
  }

  /** For {@link startStubCloud}. */
  readonly answer = ({ action, query }: SeenRequest): StubAnswer | undefined => {
    const aad = Buffer.from(query.get("EncryptionContext") ?? "");
    const RequestId = randomUUID();
    switch (action) {
      case "DescribeKey":
        return { body: { RequestId, KeyMetadata: { ...this.#described(), ...this.metadata } } };
      case "Encrypt": {
        const versionId = this.encrypting ?? this.primary;
        const nonce = randomBytes(12);
        const sealing = createCipheriv("aes-256-gcm", this.#versions.get(versionId) ?? "", nonce).setAAD(aad);
        const sealed = Buffer.concat([sealing.update(Buffer.from(query.get("Plaintext") ?? "", "base64")), sealing.final()]);
        const blob = Buffer.concat([Buffer.from(versionId), nonce, sealed, sealing.getAuthTag()]);
        return { body: { RequestId, KeyId: this.id, KeyVersionId: versionId, CiphertextBlob: blob.toString("base64") } };
      }
      case "Decrypt": {
        const blob = Buffer.from(query.get("CiphertextBlob") ?? "", "base64");
        const versionId = blob.toString("latin1", 0, 36);
        const key = this.#versions.get(versionId);
        if (key === undefined) return refusal(404, "Forbidden.KeyVersionNotFound");
        try {
          const opening = createDecipheriv("aes-256-gcm", key, blob.subarray(36, 48)).setAAD(aad).setAuthTag(blob.subarray(-16));
          const plaintext = Buffer.concat([opening.update(blob.subarray(48, -16)), opening.final()]);
          if (query.get("DryRun") === "true") return refusal(400, "DryRunOperationError");
          return { body: { RequestId, KeyId: this.id, KeyVersionId: versionId, Plaintext: plaintext.toString("base64") } };
        } catch {
          return refusal(400, "InvalidParameter");
        }
      }
    }
    return undefined;
  };

  #described() {
    return {
      KeyId: this.id,
      Arn: `acs:kms:cn-hangzhou:1234567890:key/${this.id}`,
      KeyState: "Enabled",
      KeySpec: "Aliyun_AES_256",
      KeyUsage: "ENCRYPT/DECRYPT",
      Creator: "1234567890",
      PrimaryKeyVersion: this.primary,
    };
  }
}
