import { open } from "node:fs/promises";
import { z } from "zod";
import { PluginError, systemCodeOf, UsageError } from "../../harness/errors.ts";
import type { Environment } from "../provider-options.ts";
import type { CredentialSource, Credentials } from "./credentials.ts";

const names = {
  accessKeyId: "ALIBABA_CLOUD_ACCESS_KEY_ID",
  accessKeySecret: "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
  securityToken: "ALIBABA_CLOUD_SECURITY_TOKEN",
} as const;

/** An access key in the environment; undefined where none is there. @throws UsageError `half-a-key` where one half is missing. */
export function environmentKey(environment: Environment): CredentialSource | undefined {
  const accessKeyId = environment[names.accessKeyId] ?? "";
  const accessKeySecret = environment[names.accessKeySecret] ?? "";
  const securityToken = environment[names.securityToken] ?? "";
  if (accessKeyId === "" && accessKeySecret === "") return undefined;
  if (accessKeyId === "" || accessKeySecret === "") {
    const [there, missing] = accessKeyId === "" ? [names.accessKeySecret, names.accessKeyId] : [names.accessKeyId, names.accessKeySecret];
    throw new UsageError("half-a-key", `${there} is set, but ${missing} is not.`, { hint: "Set both, or neither." });
  }
  const credentials = { accessKeyId, accessKeySecret, ...(securityToken === "" ? {} : { securityToken }) };
  return { name: "the access key of the environment", fetch: async () => credentials };
}

export const noEnvironmentKey = `${names.accessKeyId} and ${names.accessKeySecret} are not set`;

const fileSchema = z.strictObject({
  accessKeyId: z.string().min(1),
  accessKeySecret: z.string().min(1),
  securityToken: z.string().min(1).optional(),
});

/** An access key in a file in JSON that nobody else may read; it is read anew whenever credentials are asked for anew. */
export function fileKey(path: string): CredentialSource {
  return { name: `the file ${path}`, fetch: () => readKeyFile(path) };
}

/**
 * No message of it quotes the file.
 * @throws PluginError `credentials-file-unreadable`, `credentials-file-mode` or `credentials-file-bad`.
 */
async function readKeyFile(path: string): Promise<Credentials> {
  let text: string;
  try {
    await using file = await open(path, "r");
    const mode = (await file.stat()).mode & 0o777;
    if ((mode & 0o077) !== 0) {
      throw new PluginError(
        "credentials-file-mode",
        `Others than its owner may use ${path}: its mode is ${mode.toString(8).padStart(4, "0")}.`,
        {
          hint: `Make it yours alone: chmod 600 ${path}. If others may have read it, replace the access key.`,
        },
      );
    }
    text = await file.readFile("utf8");
  } catch (thrown) {
    if (thrown instanceof PluginError) throw thrown;
    throw new PluginError("credentials-file-unreadable", `${path} cannot be read (${systemCodeOf(thrown) ?? "no code"}).`);
  }
  const parsed = fileSchema.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data;
  throw new PluginError(
    "credentials-file-bad",
    `${path} is no JSON object with accessKeyId and accessKeySecret, and perhaps securityToken.`,
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
