import { wordsOf } from "../answers.ts";
import { startWithKms, workSince } from "../apiserver-kms.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { ColdStart } from "../cold-start.ts";

const message = "KMS provider api version v1 is not supported, only v1beta1 is supported now";
const answerMsMax = 30_000;
const readyMsMax = 40_000;

export const check = {
  id: "apiserver/k1-06-version-refused",
  title: "With KMS v1, a plugin of another version than v1beta1 is never asked to encrypt or decrypt.",
  level: "MUST",
  invariants: ["K1-06"],
  source: "spec encryption-at-rest 1.1; k8s.io/apiserver pkg/storage/value/encrypt/envelope/grpc_service.go",
  needs: ["configure", "restart"],
  remedy: "Let the plugin answer Version with v1beta1, whatever this API server takes.",
  async run(subject) {
    await using stage = await subject.stage();
    const { kms, server } = await startWithKms(stage, "v1");
    await server.succeed(server.create("before", "a value"));
    await server.plane.stopApiServer();
    kms.script = { version: (honest) => ({ ...honest, version: "v1" }) };
    const { mark } = kms;
    const findings = new Findings();
    await using start = ColdStart.begin(stage, server);
    for (const [sent, ask] of [
      ["GET of a Secret, with a plugin whose version is v1", () => server.get("before")],
      ["POST of a Secret, with the same plugin", () => server.create("during", "a value")],
    ] as const) {
      const answer = await start.answer(ask, {
        will: ({ status, failure }) => status < 400 || failure?.includes(message) === true,
        withinMs: answerMsMax,
      });
      findings.add(answer?.status === 500 && answer.failure?.includes(message) === true, {
        sent,
        received: answer === undefined ? "no answer" : wordsOf(answer),
        expected: `HTTP 500 with: ${message}`,
      });
    }
    const calls = workSince(kms, mark, "Encrypt").length + workSince(kms, mark, "Decrypt").length;
    findings.add(calls === 0 && kms.since(mark, "Version").length > 0, {
      sent: "both",
      received: `${kms.since(mark, "Version").length} Version, ${calls} other calls`,
      expected: "Version, and nothing else",
    });
    kms.script = {};
    const isReady = await start.becomesReady({ withinMs: readyMsMax });
    const read = isReady ? await server.get("before") : undefined;
    findings.add(read?.failure === undefined && isReady, {
      sent: "the same plugin, with version v1beta1 from now on",
      received: read === undefined ? `not ready after ${readyMsMax / 1000} s` : `ready; GET: ${wordsOf(read)}`,
      expected: "that the API server becomes ready without a restart, and GET: HTTP 200",
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
