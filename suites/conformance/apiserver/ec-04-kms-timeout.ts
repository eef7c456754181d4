import { anyKms, refusalCheck, secretsWith } from "../apiserver-refusal.ts";

export const check = refusalCheck({
  id: "apiserver/ec-04-kms-timeout",
  title: "An API server does not start with a KMS timeout that is not positive.",
  invariants: ["EC-04"],
  wrong: [
    {
      what: "a timeout of 0",
      resources: secretsWith({ kms: { ...anyKms, timeout: "0s" } }),
      message: "timeout should be a positive value",
    },
    {
      what: "a negative timeout",
      resources: secretsWith({ kms: { ...anyKms, timeout: "-3s" } }),
      message: "timeout should be a positive value",
    },
  ],
});
