import { messageOf, systemCodeOf, TargetError } from "../errors.ts";

/** Why a request to an API server got no answer, as a TargetError `api-timeout`, `api-untrusted` (the certificate) or `api-unreachable`. */
export function noAnswer(url: string, thrown: unknown): TargetError {
  const code = systemCodeOf(thrown) ?? "";
  const why = messageOf(thrown) || code;
  if (/^UND_ERR_(HEADERS|BODY|CONNECT)_TIMEOUT$|^ETIMEDOUT$/.test(code)) {
    return new TargetError("api-timeout", `The API server at ${url} did not answer in time.`, { cause: thrown });
  }
  if (/CERT|^UNABLE_TO_|^ERR_TLS_/.test(code)) {
    return new TargetError("api-untrusted", `The API server at ${url} cannot be trusted: ${why}.`, { cause: thrown });
  }
  return new TargetError("api-unreachable", `The API server at ${url} cannot be reached: ${why}.`, { cause: thrown });
}
