import { anyKey, refusalCheck, secretsWith } from "../apiserver-refusal.ts";

export const check = refusalCheck({
  id: "apiserver/ec-08-local-keys",
  title: "An API server does not start with a local key without name or secret, with one that is no base64, or of a wrong length.",
  invariants: ["EC-08"],
  wrong: [
    {
      what: "a key without a name",
      resources: secretsWith({ aescbc: { keys: [{ ...anyKey, name: "" }] } }),
      message: "name is a mandatory field for a key",
    },
    {
      what: "a key without a secret",
      resources: secretsWith({ aescbc: { keys: [{ ...anyKey, secret: "" }] } }),
      message: "secret is a mandatory field for a key",
    },
    {
      what: "a secret that is no base64",
      resources: secretsWith({ aesgcm: { keys: [{ ...anyKey, secret: "not base64!" }] } }),
      message: "secrets must be base64 encoded",
    },
    {
      what: "an AES key of 5 bytes",
      resources: secretsWith({ aesgcm: { keys: [{ ...anyKey, secret: "c2hvcnQ=" }] } }),
      message: "secret is not of the expected length, got 5, expected one of [16 24 32]",
    },
    {
      what: "a secretbox key of 16 bytes",
      resources: secretsWith({ secretbox: { keys: [{ ...anyKey, secret: "MDEyMzQ1Njc4OWFiY2RlZg==" }] } }),
      message: "secret is not of the expected length, got 16, expected one of [32]",
    },
  ],
});
