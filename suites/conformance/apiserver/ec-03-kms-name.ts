import { anyKms, refusalCheck, secretsWith } from "../apiserver-refusal.ts";

export const check = refusalCheck({
  id: "apiserver/ec-03-kms-name",
  title: "An API server does not start with a KMS provider without a name, with a colon in it, or with one name for two of them.",
  invariants: ["EC-03"],
  wrong: [
    {
      what: "a KMS provider without a name",
      resources: secretsWith({ kms: { ...anyKms, name: "" } }),
      message: "name is a mandatory field for a provider",
    },
    {
      what: "a colon in the name of a KMS v2 provider",
      resources: secretsWith({ kms: { ...anyKms, name: "a:b" } }),
      message: "invalid KMS provider name a:b, must not contain ':'",
    },
    {
      what: "two KMS v2 providers of one name",
      resources: secretsWith({ kms: anyKms }, { kms: anyKms }),
      message: "duplicate KMS provider name one, names must be unique",
    },
  ],
});
