import { KmsmarkError } from "../../harness/errors.ts";
import { ProviderFault, type ProviderFaultKind } from "../provider.ts";
import { AlibabaFault, describeFacts } from "./fault.ts";

export type KmsAction = "Encrypt" | "Decrypt" | "DescribeKey";

interface Meaning {
  readonly kind: ProviderFaultKind;
  /** What it means and what to do. */
  readonly sentence: string;
}

const noPermission: Meaning = {
  kind: "permission-denied",
  sentence: "The credentials may not use the KMS key: allow them kms:DescribeKey, kms:Encrypt and kms:Decrypt on it.",
};
const noAccessKey: Meaning = {
  kind: "permission-denied",
  sentence: "The KMS does not know the access key, or it is disabled: check where the credentials come from.",
};
const badSecret: Meaning = {
  kind: "permission-denied",
  sentence: "The KMS does not accept the signature: the secret is not that of the access key.",
};
const wrongClock: Meaning = {
  kind: "permission-denied",
  sentence: "The clock of this machine is more than 15 minutes off, and the KMS refuses its requests: set it, by NTP.",
};
const inDebt: Meaning = { kind: "permission-denied", sentence: "The account is overdue and the KMS refuses its calls: pay the bill." };
const keyGone: Meaning = {
  kind: "key-unusable",
  sentence: "The KMS has no such key here: it was deleted, or --key-id, --region or --endpoint is that of another.",
};
const notOurs: Meaning = {
  kind: "invalid-ciphertext",
  sentence:
    "The KMS cannot open the ciphertext: it was altered, or it, its key_id and its annotations were not made together by this plugin under this --cluster-id.",
};

/** By the beginning of the service's code, the first that matches; what the codes mean is in spec alibaba-cloud 1.5, 1.6. */
const meanings: readonly (readonly [codes: RegExp, meaning: Meaning, action?: KmsAction])[] = [
  [/^Rejected\.Disabled$/, { kind: "key-unusable", sentence: "The KMS key is disabled: enable it again in the KMS." }],
  [
    /^Rejected\.PendingDeletion$/,
    {
      kind: "key-unusable",
      sentence: "The KMS key waits for its deletion: cancel that in the KMS before its day, or what it encrypted is lost.",
    },
  ],
  [/^Rejected\.PendingImport$/, { kind: "key-unusable", sentence: "The KMS key has no material yet: import it in the KMS." }],
  [
    /^(Rejected\.)?UnsupportedOperation$/,
    { kind: "key-unusable", sentence: "The KMS key cannot do that: use one of the spec Aliyun_AES_256." },
  ],
  [/^Rejected\./, { kind: "key-unusable", sentence: "The KMS key cannot be used in its present state: look at it in the KMS." }],
  [/^Forbidden\.Key(Version)?NotFound$/, notOurs, "Decrypt"],
  [/^Forbidden\.(Key|KeyVersion|Alias)NotFound$/, keyGone],
  [/^Forbidden\.KmsServiceNotEnabled$/, { kind: "permission-denied", sentence: "The account has no KMS: activate it in the console." }],
  [/^Forbidden\.InDebt/, inDebt],
  [/^Forbidden\.ProhibitedByRiskControl$/, { kind: "permission-denied", sentence: "Risk control blocks the account: ask its owner." }],
  [/^(Forbidden\.AccessKey|InvalidAccessKeyId(\.|$))/, noAccessKey],
  [
    /^InvalidSecurityToken(\.|$)/,
    {
      kind: "permission-denied",
      sentence: "The KMS does not accept the temporary credentials, nor newer ones: check where they come from.",
    },
  ],
  [/^(Forbidden|NoPermission|AccessDenied)/, noPermission],
  [/^(SignatureDoesNotMatch|IncompleteSignature|InvalidSignatureMethod)$/, badSecret],
  [/^(InvalidTimeStamp\.Expired|IllegalTimestamp)/, wrongClock],
  [/^SignatureNonceUsed$/, { kind: "unavailable", sentence: "The KMS has seen the request already." }],
  [/^(InvalidParameter|MissingParameter|ParseRequestParameterException|ValidationError)/, notOurs, "Decrypt"],
  [
    /^InvalidParameter/,
    { kind: "key-unusable", sentence: "The KMS takes --key-id for no key: write its id, its alias or its ARN." },
    "DescribeKey",
  ],
  [/^(InvalidParameter|MissingParameter)/, { kind: "invalid-request", sentence: "The KMS does not take the request." }],
];

/** What the role's service refuses, in the words of who can change it. */
const stsMeaning: Meaning = {
  kind: "permission-denied",
  sentence: "STS does not give out the role: check its ARN, its trust policy, and that the credentials may call sts:AssumeRole.",
};

/**
 * What the plugin tells the API server of a call that failed. What is no fault of the cloud's is given back as it is: the server knows what
 * to do with a ProviderFault, and keeps the message of anything else to itself.
 */
export function kmsFaultOf(thrown: unknown, action: KmsAction): unknown {
  if (thrown instanceof AlibabaFault) return ofCloud(thrown, action);
  // A file with credentials that has become unusable.
  return thrown instanceof KmsmarkError ? new ProviderFault("permission-denied", thrown.message) : thrown;
}

function ofCloud({ kind, product, message, facts }: AlibabaFault, action: KmsAction): ProviderFault {
  const options = facts.retryAfterMs === undefined ? {} : { retryAfterMs: facts.retryAfterMs };
  switch (kind) {
    case "throttled":
    case "unavailable":
    case "deadline":
      return new ProviderFault(kind, message, options);
    case "bad-answer":
      return new ProviderFault("internal", message);
    case "no-credentials":
      return new ProviderFault("permission-denied", message);
    case "refused": {
      const { kind: meant, sentence } =
        product === "STS" ? stsMeaningOf(facts.serviceCode ?? "") : meaningOf(facts.serviceCode ?? "", action, facts.httpStatus);
      return new ProviderFault(meant, `${sentence} (${product === "STS" ? product : action}: ${describeFacts(facts)})`);
    }
  }
}

function meaningOf(code: string, action: KmsAction, httpStatus: number | undefined): Meaning {
  const known = meanings.find(([codes, , only]) => codes.test(code) && (only === undefined || only === action));
  if (known !== undefined) return known[1];
  if (httpStatus === 403) return noPermission;
  return { kind: "internal", sentence: "The KMS refused the call for a reason that this plugin does not know." };
}

function stsMeaningOf(code: string): Meaning {
  const general = meanings.find(([codes, meaning]) => codes.test(code) && [noAccessKey, badSecret, wrongClock].includes(meaning));
  return general === undefined
    ? stsMeaning
    : { ...general[1], sentence: general[1].sentence.replaceAll("The KMS", "STS").replaceAll("the KMS", "STS") };
}
