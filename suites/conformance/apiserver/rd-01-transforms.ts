import type { ApiAnswer } from "../../../harness/load/api-answer.ts";
import type { ApiRequest } from "../../../harness/load/api-client.ts";
import { type Metrics, sumOf } from "../../../harness/load/metrics.ts";
import type { ApiserverSubject, SharedStage } from "../apiserver-subject.ts";
import { type Check, Findings, notApplicable } from "../check.ts";
import { isBefore } from "../kubernetes-version.ts";
import { reseal } from "../offline.ts";

const providers = ["kms-v1", "kms-v2"] as const;

/** A row of the table of spec 6.1. */
interface Row {
  readonly what: string;
  readonly status: number;
  readonly reads: number;
  /** Each of them is a call of Encrypt with KMS v1, and none with v2. */
  readonly writes: number;
  /** Makes what the request needs, and then the request, which is counted alone. */
  prepare(stage: SharedStage): Promise<() => Promise<ApiAnswer>>;
}

const rows: readonly Row[] = [
  row("POST", { status: 201, reads: 1, writes: 1 }, ({ server }) => server.create("one", "a value")),
  row("POST of a name that is taken", { status: 409, reads: 1, writes: 1 }, ({ server }) => server.create("one", "a value")),
  row("POST as a dry run", { status: 201, reads: 0, writes: 0 }, ({ server }) => server.create("dry", "a value", { dryRun: true })),
  row("GET", { status: 200, reads: 1, writes: 0 }, ({ server }) => server.get("one")),
  row("GET with resourceVersion=0", { status: 200, reads: 0, writes: 0 }, ({ server }) => server.get("one", { resourceVersion: "0" })),
  row("LIST", { status: 200, reads: 0, writes: 0 }, ({ server }) => server.list()),
  row("LIST with resourceVersion=0", { status: 200, reads: 0, writes: 0 }, ({ server }) => server.list({ resourceVersion: "0" })),
  row("LIST with limit=500", { status: 200, reads: 0, writes: 0 }, ({ server }) => server.request(get(`${server.path()}?limit=500`))),
  row("LIST of all namespaces", { status: 200, reads: 0, writes: 0 }, ({ server }) => server.request(get("/api/v1/secrets"))),
  row("PUT with another value", { status: 200, reads: 1, writes: 1 }, ({ server }) => server.update("one", "another value")),
  { what: "PUT of what is there", status: 200, reads: 1, writes: 0, prepare: putBack },
  {
    what: "PUT of what is there, which another provider stored",
    status: 200,
    reads: 2,
    writes: 1,
    async prepare(stage) {
      await resealByTheOther(stage);
      return putBack(stage);
    },
  },
  {
    what: "empty PATCH of what another provider stored",
    status: 200,
    reads: 2,
    writes: 1,
    async prepare(stage) {
      await resealByTheOther(stage);
      const { server } = stage;
      return () => server.request({ ...patch, path: server.path("one") });
    },
  },
  row("empty PATCH", { status: 200, reads: 1, writes: 0 }, ({ server }) => server.request({ ...patch, path: server.path("one") })),
  row("DELETE", { status: 200, reads: 2, writes: 0 }, ({ server }) => server.delete("one")),
];

export const check = {
  id: "apiserver/rd-01-transforms",
  title: "Each request reads from storage, writes to it and calls KMS v1 as often as it does on kube-apiserver.",
  level: "MUST",
  invariants: ["RD-01"],
  source: "spec encryption-at-rest 6.1; k8s.io/apiserver pkg/storage/etcd3/store.go, pkg/storage/cacher",
  needs: ["configure", "store"],
  remedy: "Measure this API server before you plan KMS calls for it: the model of kube-apiserver does not hold.",
  async run(subject) {
    if (isBefore(subject.kubernetesVersion, { minor: 31 }))
      return notApplicable("Before Kubernetes 1.31 lists are read from etcd, not from the cache.");
    const findings = new Findings();
    for (const provider of providers) {
      await using stage = await subject.shared(provider);
      const { server, kms } = stage;
      for (const { what, status, reads, writes, prepare } of rows) {
        const send = await prepare(stage);
        // A list is answered after the watch events of all writes before it were taken in; it reads nothing itself.
        await server.succeed(server.list());
        const [before, mark] = [await server.metrics(), kms.mark];
        const answer = await send();
        await server.succeed(server.list());
        const after = await server.metrics();
        const counted = [
          operations(after, "from_storage") - operations(before, "from_storage"),
          operations(after, "to_storage") - operations(before, "to_storage"),
        ];
        const encrypted = kms.since(mark, "Encrypt").filter(({ plaintext }) => plaintext?.isPing === false).length;
        const expectedCalls = provider === "kms-v1" ? writes : 0;
        findings.add(answer.status === status && counted[0] === reads && counted[1] === writes && encrypted === expectedCalls, {
          sent: `${what}, with ${provider} as the first provider`,
          received: `HTTP ${answer.status}; ${counted[0]} from storage, ${counted[1]} to storage, ${encrypted} Encrypt`,
          expected: `HTTP ${status}; ${reads} from storage, ${writes} to storage, ${expectedCalls} Encrypt`,
        });
      }
    }
    return findings.outcome(providers.length * rows.length);
  },
} satisfies Check<ApiserverSubject>;

const patch = { method: "PATCH", body: Buffer.from("{}"), contentType: "application/merge-patch+json" } as const;

function row(what: string, expected: Pick<Row, "status" | "reads" | "writes">, send: (stage: SharedStage) => Promise<ApiAnswer>): Row {
  return { what, ...expected, prepare: async (stage) => () => send(stage) };
}

function get(path: string): ApiRequest {
  return { method: "GET", path };
}

async function putBack({ server }: SharedStage): Promise<() => Promise<ApiAnswer>> {
  const { body } = await server.succeed(server.get("one"));
  return () => server.request({ method: "PUT", path: server.path("one"), body });
}

/** Of the other KMS version, whose values have one level of transformers, too. */
async function resealByTheOther(stage: SharedStage): Promise<void> {
  const { kind } = (await stage.server.stored("one")).value;
  await reseal(stage, "one", kind === "kms-v1" ? "kms-v2" : "kms-v1");
}

function operations(metrics: Metrics, type: "from_storage" | "to_storage"): number {
  return sumOf(metrics, "apiserver_storage_transformation_operations_total", { transformation_type: type });
}
