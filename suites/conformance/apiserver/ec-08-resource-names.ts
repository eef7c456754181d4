import { refusalCheck } from "../apiserver-refusal.ts";

export const check = refusalCheck({
  id: "apiserver/ec-08-resource-names",
  title: "An API server does not start with resources that cannot be encrypted or that have other names in etcd.",
  invariants: ["EC-08"],
  wrong: [
    {
      what: "capital letters",
      resources: [{ resources: ["Secrets"], providers: [{ identity: {} }] }],
      message: "resource name should not contain capital letters",
    },
    {
      what: "a bare star",
      resources: [{ resources: ["*"], providers: [{ identity: {} }] }],
      message: "use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources",
    },
    {
      what: "a resource without a REST API",
      resources: [{ resources: ["serviceipallocations"], providers: [{ identity: {} }] }],
      message: "resources which do not have REST API/s cannot be encrypted",
    },
    {
      what: "the group events.k8s.io",
      resources: [{ resources: ["events.events.k8s.io"], providers: [{ identity: {} }] }],
      message: "Use 'events' instead in the config file",
    },
    {
      what: "the group extensions",
      resources: [{ resources: ["ingresses.extensions"], providers: [{ identity: {} }] }],
      message: "'extensions' group has been removed and cannot be used for encryption",
    },
    {
      what: "one resource of all groups",
      resources: [{ resources: ["secrets.*"], providers: [{ identity: {} }] }],
      message: "encrypting the same resource across groups is not supported",
    },
  ],
});
