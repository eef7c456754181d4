import { type AlibabaCloudOptions, startAlibabaCloud } from "../index.ts";
import { OpenApiCore } from "./openapi-core.ts";

/** A cloud and the account's own client; `refusal` gives the code that a call is refused with. */
export async function arrange(options: AlibabaCloudOptions = {}) {
  const cloud = await startAlibabaCloud({ eventDelayMs: 0, ...options });
  const root = new OpenApiCore(cloud.endpoint, cloud.root);
  return {
    ...cloud,
    get events() {
      return cloud.events;
    },
    running: cloud,
    root,
    clientOf: (credentials: ConstructorParameters<typeof OpenApiCore>[1]) => new OpenApiCore(cloud.endpoint, credentials),
  };
}

/** The status and code with which a call is refused. */
export async function refusalOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && "statusCode" in thrown) return `${String(thrown.statusCode)} ${String(thrown.code)}`;
    throw thrown;
  }
  return "not refused";
}

export const base64 = (text: string) => Buffer.from(text).toString("base64");
