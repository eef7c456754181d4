import { timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { KmsmarkError } from "../../../harness/errors.ts";
import type { CloudAdmin } from "./admin.ts";
import type { PlainAnswer } from "./metadata.ts";
import { type GatewayRequest, header } from "./request.ts";
import { CloudError } from "./service.ts";

const path = "/kmsmark/admin";

/** Ten years. */
const spanMs = z.number().nonnegative().max(315_576_000_000);

const orderSchema = z.discriminatedUnion("do", [
  z.strictObject({ do: z.literal("rotateKey"), keyId: z.string() }),
  z.strictObject({ do: z.literal("setKeyState"), keyId: z.string(), state: z.enum(["Enabled", "Disabled", "PendingImport"]) }),
  z.strictObject({ do: z.literal("deleteKeyAfter"), keyId: z.string(), ms: spanMs }),
  z.strictObject({ do: z.literal("advance"), ms: spanMs }),
  z.strictObject({ do: z.literal("expireSessions") }),
  z.strictObject({ do: z.literal("addFault"), fault: z.string() }),
  z.strictObject({ do: z.literal("clearFaults") }),
]);

/** The hooks of {@link CloudAdmin} over HTTP, for other processes: `POST /kmsmark/admin` with `{"do":"rotateKey","keyId":"…"}`. */
export class AdminEndpoint {
  readonly #token: string;
  readonly #admin: CloudAdmin;

  /** @param token - what `Authorization: Bearer` must hold. */
  constructor(token: string, admin: CloudAdmin) {
    this.#token = token;
    this.#admin = admin;
  }

  /** Undefined where the path is none of its own. */
  answer(request: GatewayRequest): PlainAnswer | undefined {
    if (request.path !== path) return undefined;
    if (!isSame(header(request, "authorization") ?? "", `Bearer ${this.#token}`)) return json(403, { error: "The token is not right." });
    if (request.method !== "POST") return json(405, { error: "Use POST." });
    let order: z.infer<typeof orderSchema>;
    try {
      order = orderSchema.parse(JSON.parse(request.body.toString("utf8")));
    } catch {
      return json(400, { error: "The order is not understood; docs/emulators.md lists them." });
    }
    try {
      return json(200, this.#obey(order));
    } catch (thrown) {
      if (thrown instanceof CloudError || thrown instanceof KmsmarkError) return json(400, { error: thrown.message });
      throw thrown;
    }
  }

  #obey(order: z.infer<typeof orderSchema>): object {
    switch (order.do) {
      case "rotateKey":
        return { keyVersionId: this.#admin.rotateKey(order.keyId) };
      case "setKeyState":
        this.#admin.setKeyState(order.keyId, order.state);
        break;
      case "deleteKeyAfter":
        this.#admin.deleteKeyAfter(order.keyId, order.ms);
        break;
      case "advance":
        this.#admin.advance(order.ms);
        break;
      case "expireSessions":
        this.#admin.expireSessions();
        break;
      case "addFault":
        this.#admin.addFault(order.fault);
        break;
      case "clearFaults":
        this.#admin.clearFaults();
        break;
    }
    return {};
  }
}

const json = (status: number, body: object): PlainAnswer => ({ status, text: JSON.stringify(body), type: "application/json" });

function isSame(a: string, b: string): boolean {
  const [bytesA, bytesB] = [Buffer.from(a), Buffer.from(b)];
  return bytesA.length === bytesB.length && timingSafeEqual(bytesA, bytesB);
}
