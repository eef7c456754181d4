import { Agent } from "undici";
import { UsageError } from "../../harness/errors.ts";
import type { CredentialSource } from "./credentials.ts";
import { isLoopback } from "./endpoint.ts";
import { AlibabaFault } from "./fault.ts";
import { issuedOf } from "./issued-credentials.ts";
import { plainText } from "./plain-request.ts";

/** Names a URL that answers with temporary credentials. */
export const credentialsUriName = "ALIBABA_CLOUD_CREDENTIALS_URI";

/**
 * Credentials that somebody else hands out at a URL, which itself may be a secret and is not quoted.
 * @throws UsageError `bad-credentials-uri`
 */
export function uriCredentials(uri: string): CredentialSource & AsyncDisposable {
  const url = URL.parse(uri);
  if (url === null || (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url)))) {
    throw new UsageError("bad-credentials-uri", `${credentialsUriName} is neither an https URL nor one on loopback.`);
  }
  const agent = new Agent({ connect: { timeout: 5000 }, headersTimeout: 5000, bodyTimeout: 5000 });
  const from = `The server that ${credentialsUriName} names`;
  return {
    name: `the server that ${credentialsUriName} names`,
    async fetch(signal) {
      const issued = issuedOf(await plainText(agent, from, { method: "GET", url, signal }));
      if (issued === undefined) throw new AlibabaFault("bad-answer", "credentials", `${from} answered without credentials.`);
      return issued;
    },
    [Symbol.asyncDispose]: () => agent.destroy(),
  };
}
