import { Agent } from "undici";
import type { z } from "zod";
import { messageOf } from "../../harness/errors.ts";
import type { CallOptions, RpcCaller } from "../alibaba/client.ts";
import type { CredentialProvider } from "../alibaba/credentials.ts";
import { canonicalQuery, signV1 } from "../alibaba/signature.ts";
import { ProviderFault } from "../provider.ts";

/**
 * A client as the SDKs are (spec alibaba-cloud 0.3): it signs in the query, passes on what the transport says, with the URL, and what the
 * service says. The search for secrets has to find something with it.
 */
export class LeakyClient implements RpcCaller {
  readonly #agent = new Agent();
  readonly #endpoint: URL;
  readonly #credentials: CredentialProvider;

  constructor({ endpoint, credentials }: { readonly endpoint: URL; readonly credentials: CredentialProvider }) {
    this.#endpoint = endpoint;
    this.#credentials = credentials;
  }

  async rpc<Answer>(
    action: string,
    parameters: Readonly<Record<string, string>>,
    schema: z.ZodType<Answer>,
    { signal }: CallOptions,
  ): Promise<Answer> {
    const { accessKeyId, accessKeySecret, securityToken = "" } = await this.#credentials.current(signal);
    const common = {
      Action: action,
      Version: "2016-01-20",
      AccessKeyId: accessKeyId,
      SecurityToken: securityToken,
      SignatureVersion: "1.0",
    };
    const query = { ...common, ...parameters };
    const Signature = signV1("POST", Object.entries(query), accessKeySecret);
    const path = `/?${canonicalQuery(Object.entries({ ...query, Signature }))}`;
    const { origin } = this.#endpoint;
    const headers = { "x-acs-action": action };
    const what = `POST ${origin}${path}`;
    const response = await this.#agent.request({ origin, path, method: "POST", headers, signal }).catch((thrown: unknown) => {
      throw unavailable(`${what} failed: ${messageOf(thrown)}`);
    });
    const text = await response.body.text().catch((thrown: unknown) => {
      throw unavailable(`${what} broke off: ${messageOf(thrown)}`);
    });
    if (response.statusCode !== 200) throw unavailable(`${what}: ${text}`);
    return schema.parse(JSON.parse(text));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }
}

/** Nothing tries again within a call's deadline, so that a call with a long one ends at once. */
function unavailable(message: string): ProviderFault {
  return new ProviderFault("unavailable", message, { retryAfterMs: 3_600_000 });
}
