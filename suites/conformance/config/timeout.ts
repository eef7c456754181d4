import { defaultCallTimeoutMs } from "../../../harness/kms/contract.ts";
import { adviceCheck, kmsProviders, nameOf } from "../config-rule.ts";

export const check = adviceCheck({
  id: "config/timeout",
  title: "The timeout of a KMS provider is between 1 s and 10 s.",
  invariants: [],
  source: "spec encryption-at-rest 1.1, 2.1; an API request has 60 s",
  remedy: "Leave it at 3 s, and find out what the KMS takes so long for.",
  otherwise: "It has no KMS provider.",
  find(configuration) {
    const kms = kmsProviders(configuration);
    if (kms.length === 0) return undefined;
    return kms.flatMap((provider) => {
      const { timeoutMs = defaultCallTimeoutMs } = provider;
      if (timeoutMs > 10_000)
        return [
          {
            about: provider,
            told: `${nameOf(provider)} waits ${timeoutMs / 1000} s: requests and health checks wait as long for a plugin that hangs.`,
          },
        ];
      return timeoutMs < 1000
        ? [{ about: provider, told: `${nameOf(provider)} gives up after ${timeoutMs} ms: one slow call of the KMS fails a request.` }]
        : [];
    });
  },
});
