import { refusalCheck, secretsWith } from "../apiserver-refusal.ts";

export const check = refusalCheck({
  id: "apiserver/ec-01-nothing-given",
  title: "An API server does not start with a configuration that lacks items, resources, providers or keys.",
  invariants: ["EC-01"],
  wrong: [
    { what: "no items", resources: [], message: "at least one resources is required" },
    {
      what: "an item without resources",
      resources: [{ resources: [], providers: [{ identity: {} }] }],
      message: "at least one resources[0].resources is required",
    },
    { what: "an item without providers", resources: secretsWith(), message: "at least one resources[0].providers is required" },
    { what: "a provider without keys", resources: secretsWith({ aesgcm: { keys: [] } }), message: "at least one keys is required" },
  ],
});
