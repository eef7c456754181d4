import { z } from "zod";
import type { Credentials } from "./credentials.ts";

/**
 * The four values of temporary credentials, as STS, the metadata service and a credentials URI write them (spec alibaba-cloud 2.1, 2.4).
 */
export const issuedSchema = z
  .object({
    AccessKeyId: z.string().min(1),
    AccessKeySecret: z.string().min(1),
    SecurityToken: z.string().min(1),
    Expiration: z.iso.datetime(),
  })
  .transform(
    ({ AccessKeyId, AccessKeySecret, SecurityToken, Expiration }): Credentials => ({
      accessKeyId: AccessKeyId,
      accessKeySecret: AccessKeySecret,
      securityToken: SecurityToken,
      expiresMs: Date.parse(Expiration),
    }),
  );

/** The same with `Code: "Success"`, in a text; undefined for anything else. */
export function issuedOf(text: string): Credentials | undefined {
  try {
    const json: unknown = JSON.parse(text);
    const isSuccess = z.object({ Code: z.literal("Success") }).safeParse(json).success;
    return isSuccess ? issuedSchema.safeParse(json).data : undefined;
  } catch {
    return undefined;
  }
}
