import { refusalCheck } from "../apiserver-refusal.ts";

export const check = refusalCheck({
  id: "apiserver/ec-10-overlap",
  title: "An API server does not start with resources that are given twice, overlap or are masked by an earlier wildcard.",
  invariants: ["EC-10"],
  wrong: [
    {
      what: "a resource twice in a list",
      resources: [{ resources: ["secrets", "secrets"], providers: [{ identity: {} }] }],
      message: "the same resource cannot be specified multiple times",
    },
    {
      what: "a wildcard beside a resource of its group",
      resources: [{ resources: ["secrets", "*."], providers: [{ identity: {} }] }],
      message: "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be masked",
    },
    {
      what: "a resource behind a wildcard that masks it",
      resources: [
        { resources: ["*."], providers: [{ identity: {} }] },
        { resources: ["secrets"], providers: [{ identity: {} }] },
      ],
      message: 'resource "secrets" is masked by earlier rule "*."',
    },
  ],
});
