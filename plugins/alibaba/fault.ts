import { z } from "zod";
import { KmsmarkError } from "../../harness/errors.ts";

/**
 * `refused`: the service answered with an error of its own; `unavailable`: 5xx, or no connection; `deadline`: no answer in time;
 * `bad-answer`: one that is not documented; `no-credentials`: nothing to sign with could be had.
 */
export type AlibabaFaultKind = "refused" | "throttled" | "unavailable" | "deadline" | "bad-answer" | "no-credentials";

/** What is known of a failed call beside its kind; nothing of it is free text from outside. */
export interface AlibabaFaultFacts {
  readonly httpStatus?: number | undefined;
  /** The service's own error code: `Rejected.Disabled`. */
  readonly serviceCode?: string | undefined;
  /** A UUID, by which the provider's support and the audit log find the call. */
  readonly requestId?: string | undefined;
  /** The service's own advice, milliseconds. */
  readonly retryAfterMs?: number | undefined;
}

/**
 * A call of Alibaba Cloud that failed. Its sentence is made here: no message of the transport, no URL and no message of the service goes
 * into it, since each can hold the parameters, and those hold plaintexts, tokens and signatures (spec alibaba-cloud 0.3). It has no `cause`
 * for the same reason.
 */
export class AlibabaFault extends KmsmarkError {
  readonly kind: AlibabaFaultKind;
  /** `KMS`, `STS`, … */
  readonly product: string;
  readonly facts: AlibabaFaultFacts;

  constructor(kind: AlibabaFaultKind, product: string, sentence: string, facts: AlibabaFaultFacts = {}) {
    super(`alibaba-${kind}`, sentence);
    this.kind = kind;
    this.product = product;
    this.facts = facts;
  }
}

/**
 * Words of letters with dots between them. Digits are left out although an error code could have some: a digest or a token in hexadecimal
 * or base64 would look like one then.
 */
const serviceCodePattern = /^[A-Z][A-Za-z]{1,47}(\.[A-Z][A-Za-z]{1,47}){0,3}$/;

const token = z.string().regex(serviceCodePattern).optional().catch(undefined);
const requestId = z.guid().optional().catch(undefined);
/** Both spellings occur (spec alibaba-cloud 1.1); what is not as expected counts as absent. */
const errorSchema = z.object({ Code: token, code: token, RequestId: requestId, requestId, request_id: requestId });

/** An advice beyond this is a mistake, or a way to hold up the caller, milliseconds. */
const retryAfterMsMax = 60_000;

/** Makes a fault of an answer that is no success. */
export function faultOfAnswer(
  product: string,
  what: string,
  { status, retryAfter, body }: { readonly status: number; readonly retryAfter: string | undefined; readonly body: unknown },
): AlibabaFault {
  const error = errorSchema.safeParse(body).data;
  const facts: AlibabaFaultFacts = {
    httpStatus: status,
    serviceCode: error?.Code ?? error?.code,
    requestId: error?.RequestId ?? error?.requestId ?? error?.request_id,
    retryAfterMs: retryAfterMsOf(retryAfter),
  };
  const kind = kindOf(status, facts.serviceCode);
  const did = { throttled: "throttles", unavailable: "is not available for", refused: "refused" }[kind];
  return new AlibabaFault(kind, product, `${product} ${did} ${what} (${describeFacts(facts)}).`, facts);
}

/** Any code with "Throttling" in it is one, with whatever status (spec alibaba-cloud 1.6). */
function kindOf(status: number, code: string | undefined): "throttled" | "unavailable" | "refused" {
  if (status === 429 || code?.includes("Throttling") === true) return "throttled";
  return status >= 500 ? "unavailable" : "refused";
}

/** `x-acs-retry-after` is in milliseconds (spec alibaba-cloud 7). */
function retryAfterMsOf(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,9}$/.test(header) ? Math.min(Number(header), retryAfterMsMax) : undefined;
}

/** `Rejected.Disabled, HTTP 409, request 0d4c…`. */
export function describeFacts({ serviceCode, httpStatus, requestId: id }: AlibabaFaultFacts): string {
  const parts = [serviceCode, httpStatus === undefined ? undefined : `HTTP ${httpStatus}`, id === undefined ? undefined : `request ${id}`];
  return parts.filter((part) => part !== undefined).join(", ");
}
