import { anyKms, refusalCheck, secretsWith } from "../apiserver-refusal.ts";

export const check = refusalCheck({
  id: "apiserver/ec-07-kms-version",
  title: "An API server does not start with a KMS apiVersion other than v1 and v2.",
  invariants: ["EC-07"],
  wrong: [
    {
      what: "apiVersion v3",
      resources: secretsWith({ kms: { ...anyKms, apiVersion: "v3" } }),
      message: "for KMS provider, only v1 and v2 are supported",
    },
  ],
});
