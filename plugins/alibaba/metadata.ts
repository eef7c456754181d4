import { Agent } from "undici";
import { UsageError } from "../../harness/errors.ts";
import type { CredentialSource, Credentials } from "./credentials.ts";
import { isLoopback } from "./endpoint.ts";
import { AlibabaFault } from "./fault.ts";
import { issuedOf } from "./issued-credentials.ts";
import { plainText } from "./plain-request.ts";

/** Where an ECS instance finds its metadata; the address is link-local to the host, so plain http is right (spec alibaba-cloud 2.4). */
export const defaultMetadataEndpoint = "http://100.100.100.200";
const from = "The metadata service of the ECS instance";
/** As long as the SDKs ask for; a token is fetched for each question, so that this bounds only what a leaked one is good for. */
const tokenTtlSeconds = "300";
/** A machine that is no ECS instance is to find out quickly, milliseconds. */
const connectMsMax = 1000;

/**
 * The metadata service of an ECS instance. Only its second version is spoken: without the token, which has to be fetched with a PUT, a
 * server that can be made to fetch a URL would give the role's credentials away.
 */
export class MetadataService implements AsyncDisposable {
  readonly #base: URL;
  readonly #agent = new Agent({ connect: { timeout: connectMsMax }, headersTimeout: 5000, bodyTimeout: 5000 });

  /** @throws UsageError `bad-endpoint` */
  constructor(base = defaultMetadataEndpoint) {
    const url = URL.parse(base);
    const isKnown = url !== null && (isLoopback(url) || url.origin === defaultMetadataEndpoint || url.protocol === "https:");
    if (!isKnown || !/^https?:$/.test(url.protocol) || url.pathname !== "/" || url.username !== "") {
      throw new UsageError(
        "bad-endpoint",
        "The value of --metadata-endpoint is neither the address of the metadata service nor on loopback.",
        {
          hint: `Leave it out for ${defaultMetadataEndpoint}; write http://127.0.0.1:PORT for an emulator.`,
        },
      );
    }
    this.#base = url;
  }

  /** `cn-hangzhou`. @throws AlibabaFault or the signal's reason */
  async region(signal: AbortSignal): Promise<string> {
    return (await this.#get("region-id", await this.#token(signal), signal)).trim();
  }

  /** The RAM role that is attached to the instance. */
  role(): CredentialSource {
    return { name: "the RAM role of the ECS instance", fetch: (signal) => this.#roleCredentials(signal) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }

  async #roleCredentials(signal: AbortSignal): Promise<Credentials> {
    const token = await this.#token(signal);
    const path = "ram/security-credentials/";
    const role = await this.#get(path, token, signal).catch((thrown: unknown) => {
      if (!(thrown instanceof AlibabaFault) || thrown.facts.httpStatus !== 404) throw thrown;
      throw new AlibabaFault("no-credentials", "credentials", "The ECS instance has no RAM role: attach one to it.");
    });
    const issued = issuedOf(await this.#get(`${path}${encodeURIComponent(role.trim())}`, token, signal));
    if (issued === undefined) throw new AlibabaFault("bad-answer", "credentials", `${from} gave no credentials for the role.`);
    return issued;
  }

  async #token(signal: AbortSignal): Promise<string> {
    const headers = { "x-aliyun-ecs-metadata-token-ttl-seconds": tokenTtlSeconds };
    return (await plainText(this.#agent, from, { method: "PUT", url: new URL("/latest/api/token", this.#base), headers, signal })).trim();
  }

  #get(path: string, token: string, signal: AbortSignal): Promise<string> {
    const url = new URL(`/latest/meta-data/${path}`, this.#base);
    return plainText(this.#agent, from, { method: "GET", url, headers: { "x-aliyun-ecs-metadata-token": token }, signal });
  }
}
