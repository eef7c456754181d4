import { anyKms, refusalCheck, secretsWith } from "../apiserver-refusal.ts";

export const check = refusalCheck({
  id: "apiserver/ec-05-kms-endpoint",
  title: "An API server does not start with a KMS endpoint that is missing or no Unix socket.",
  invariants: ["EC-05"],
  wrong: [
    {
      what: "no endpoint",
      resources: secretsWith({ kms: { ...anyKms, endpoint: "" } }),
      message: "endpoint is a mandatory field for a kms",
    },
    {
      what: "a TCP endpoint",
      resources: secretsWith({ kms: { ...anyKms, endpoint: "tcp://127.0.0.1:9" } }),
      message: 'unsupported scheme "tcp" for KMS provider, only unix is supported',
    },
  ],
});
