import { anyKms, refusalCheck, secretsWith } from "../apiserver-refusal.ts";

export const check = refusalCheck({
  id: "apiserver/ec-06-kms-cachesize",
  title: "An API server does not start with a cachesize of 0 for KMS v1, or with any for KMS v2.",
  invariants: ["EC-06"],
  wrong: [
    {
      what: "a cachesize of 0 for KMS v1",
      resources: secretsWith({ kms: { ...anyKms, apiVersion: "v1", cachesize: 0 } }),
      message: "cachesize should be a positive value, or negative to disable",
    },
    {
      what: "a cachesize for KMS v2",
      resources: secretsWith({ kms: { ...anyKms, cachesize: 10 } }),
      message: "cachesize is not supported in v2",
    },
  ],
});
