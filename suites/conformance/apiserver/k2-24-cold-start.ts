import { KmsCallError } from "../../../harness/kms/contract.ts";
import { secretIn, wordsOf } from "../answers.ts";
import { startWithKms, unavailable } from "../apiserver-kms.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { ColdStart } from "../cold-start.ts";

const message = "got unexpected nil transformer";
const answerMsMax = 30_000;
/** A check every 10 s, or every 3 s where readiness is asked for, and a first read of everything. */
const readyMsMax = 40_000;

export const check = {
  id: "apiserver/k2-24-cold-start",
  title:
    "With KMS v2 an API server whose plugin fails to encrypt at the start reads nothing and is not ready, and recovers without a restart.",
  level: "MUST",
  invariants: ["K2-24"],
  source: "spec encryption-at-rest 2.5; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go",
  needs: ["configure", "restart"],
  remedy: "Have the plugin healthy before this API server starts, and restart the API server where it was not.",
  async run(subject) {
    await using stage = await subject.stage();
    const { kms, server, healthPath } = await startWithKms(stage, "v2");
    await server.succeed(server.create("before", "a value"));
    await server.plane.stopApiServer();
    kms.script = {
      encrypt: () => {
        throw new KmsCallError(unavailable, "the KMS is gone");
      },
    };
    const findings = new Findings();
    await using start = ColdStart.begin(stage, server);
    const read = await start.answer(() => server.get("before"), {
      will: ({ status, failure }) => status < 400 || failure?.includes(message) === true,
      withinMs: answerMsMax,
    });
    findings.add(read?.status === 500 && read.failure?.includes(message) === true, {
      sent: "GET of a Secret after a start with a plugin whose Encrypt fails and whose Decrypt would not",
      received: read === undefined ? "no answer" : wordsOf(read),
      expected: `HTTP 500 with: ${message}`,
    });
    for (const path of [healthPath, "/readyz"]) {
      const { status } = await server.health(path);
      findings.add(status === 500, { sent: `GET ${path} meanwhile`, received: `HTTP ${status}`, expected: "HTTP 500" });
    }
    const decrypts = kms.since(0, "Decrypt").length;
    findings.add(decrypts === 0, { sent: "the same", received: `${decrypts} Decrypt`, expected: "none: the plugin is not even asked" });

    kms.script = {};
    const isReady = await start.becomesReady({ withinMs: readyMsMax });
    const healed = isReady ? await server.get("before") : undefined;
    findings.add(healed !== undefined && secretIn(healed)?.value === "a value", {
      sent: "the same plugin, whose Encrypt succeeds from now on",
      received: healed === undefined ? `not ready after ${readyMsMax / 1000} s` : `ready; GET: ${wordsOf(healed)}`,
      expected: "that the API server becomes ready without a restart, and GET: HTTP 200 with the value",
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
