import { anyKms, refusalCheck, secretsWith } from "../apiserver-refusal.ts";

export const check = refusalCheck({
  id: "apiserver/ec-09-unknown-field",
  title: "An API server does not start with a field that it does not know, or with one given twice (Kubernetes 1.31 and later).",
  invariants: ["EC-09"],
  wrong: [
    {
      what: "an unknown field",
      resources: secretsWith({ kms: { ...anyKms, pandas: true } }),
      message: 'unknown field "resources[0].providers[0].kms.pandas"',
    },
    {
      what: "a field given twice",
      text: "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n- resources: [secrets]\n  resources: [configmaps]\n  providers: [{identity: {}}]\n",
      message: 'key "resources" already set in map',
    },
  ],
});
