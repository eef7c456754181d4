import core, { $OpenApiUtil } from "@alicloud/openapi-core";
import { z } from "zod";
import type { Credentials } from "../admin.ts";

/** Node.js and Vitest do not agree on what the default export of such a CommonJS module is. */
const Client: typeof core.default = "default" in core ? core.default : core;

const versions = { Kms: "2016-01-20", Sts: "2015-04-01", Ram: "2015-05-01", ActionTrail: "2020-07-06" } as const;

const answerSchema = z.object({ body: z.record(z.string(), z.unknown()) });

export interface SdkOptions {
  /** How the SDK signs: ACS3-HMAC-SHA256 in a header, or the older HMAC-SHA1 in the query. */
  readonly signature?: "V3" | "V1";
  /** Where the parameters go. */
  readonly place?: "query" | "body";
}

/** The vendor's own SDK, in front of the local cloud: any product, any operation. */
export class OpenApiCore {
  readonly #client: InstanceType<typeof Client>;
  readonly #place: "query" | "body";

  constructor(endpoint: string, credentials: Credentials, { signature = "V3", place = "query" }: SdkOptions = {}) {
    this.#place = place;
    this.#client = new Client(
      new $OpenApiUtil.Config({
        accessKeyId: credentials.accessKeyId,
        accessKeySecret: credentials.accessKeySecret,
        ...(credentials.securityToken === undefined ? {} : { securityToken: credentials.securityToken, type: "sts" }),
        endpoint,
        protocol: "http",
        // So it is called, though it means the older one (spec alibaba-cloud 3.3).
        ...(signature === "V1" ? { signatureAlgorithm: "v2" } : {}),
      }),
    );
  }

  /** The answer's body. Rejects with the SDK's error, which has `code` and `statusCode`. */
  async call(
    product: keyof typeof versions,
    action: string,
    parameters: Readonly<Record<string, string>> = {},
  ): Promise<Record<string, unknown>> {
    const api = new $OpenApiUtil.Params({
      action,
      version: versions[product],
      protocol: "HTTP",
      method: "POST",
      authType: "AK",
      style: "RPC",
      pathname: "/",
      reqBodyType: this.#place === "body" ? "formData" : "json",
      bodyType: "json",
    });
    const request = new $OpenApiUtil.OpenApiRequest(this.#place === "body" ? { body: parameters } : { query: parameters });
    const answer: unknown = await this.#client.callApi(api, request, { toMap: () => ({}) });
    return answerSchema.parse(answer).body;
  }
}
