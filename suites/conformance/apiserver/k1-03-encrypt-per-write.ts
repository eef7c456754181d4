import type { ApiAnswer } from "../../../harness/load/api-answer.ts";
import { workSince } from "../apiserver-kms.ts";
import type { TestServer } from "../apiserver-server.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";

const requests: readonly {
  readonly what: string;
  readonly status: number;
  readonly encrypts: number;
  send(server: TestServer): Promise<ApiAnswer>;
}[] = [
  { what: "POST", status: 201, encrypts: 1, send: (server) => server.create("one", "a value") },
  { what: "POST of a name that is taken", status: 409, encrypts: 1, send: (server) => server.create("one", "a value") },
  { what: "POST as a dry run", status: 201, encrypts: 0, send: (server) => server.create("dry", "a value", { dryRun: true }) },
  { what: "PUT with another value", status: 200, encrypts: 1, send: (server) => server.update("one", "another value") },
  { what: "GET and PUT of what is there", status: 200, encrypts: 0, send: (server) => server.replaceUnchanged("one") },
  { what: "LIST", status: 200, encrypts: 0, send: (server) => server.list() },
  { what: "DELETE", status: 200, encrypts: 0, send: (server) => server.delete("one") },
];

export const check = {
  id: "apiserver/k1-03-encrypt-per-write",
  title: "With KMS v1 each attempt to write calls Encrypt once, even one that ends with a conflict, and nothing else does.",
  level: "MUST",
  invariants: ["K1-03"],
  source: "spec encryption-at-rest 1.4; k8s.io/apiserver pkg/storage/value/encrypt/envelope/envelope.go, pkg/storage/etcd3/store.go",
  needs: ["configure"],
  remedy: "Measure the calls of this API server before you plan a quota for it.",
  async run(subject) {
    await using stage = await subject.shared("kms-v1");
    const { kms, server } = stage;
    const findings = new Findings();
    for (const { what, status, encrypts, send } of requests) {
      // Answered after the watch events of all writes before it were taken in: a PUT that met an older object in the cache would be tried again.
      await server.succeed(server.list());
      const { mark } = kms;
      const answer = await send(server);
      const counted = workSince(kms, mark, "Encrypt").length;
      findings.add(answer.status === status && counted === encrypts, {
        sent: what,
        received: `HTTP ${answer.status}, ${counted} Encrypt`,
        expected: `HTTP ${status}, ${encrypts} Encrypt`,
      });
    }
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
