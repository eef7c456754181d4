import { anyKms, refusalCheck, secretsWith } from "../apiserver-refusal.ts";

export const check = refusalCheck({
  id: "apiserver/ec-02-one-provider",
  title: "An API server does not start with a list element that holds two providers, or none.",
  invariants: ["EC-02"],
  wrong: [
    {
      what: "two providers in one element",
      resources: secretsWith({ kms: anyKms, identity: {} }),
      message: "more than one provider specified in a single element, should split into different list elements",
    },
    {
      what: "an element without a provider",
      resources: secretsWith({}),
      message: "provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity",
    },
  ],
});
