import { type EncryptedObject, parseStoredValue } from "../../harness/envelope/index.ts";
import { createRequest, deleteRequest, getRequest } from "../../harness/load/load-request.ts";
import { secretBytesMax } from "../../harness/load/secret-shapes.ts";
import type { EnvelopeCheck } from "../../harness/run/schema.ts";
import type { BenchPlane } from "./bench-plane.ts";
import type { Bench, Benchmark } from "./benchmark.ts";
import { basisWords, contests, contestWords, figure, measuredOf } from "./comparison.ts";
import { numbersOption } from "./number-words.ts";
import { itemAt, requestLoad, scheduleOf, sendAside } from "./secret-load.ts";
import { sideBySide } from "./side-by-side.ts";
import { sizedBodies, sizedSecrets } from "./sized-secrets.ts";
import { checkStored } from "./stored-check.ts";

const sizes = numbersOption({
  name: "sizes",
  describe: "Bytes of a Secret's value; each is measured",
  default: "64,1Ki,16Ki,256Ki,1Mi",
  max: secretBytesMax,
  isBytes: true,
});

export const size = {
  id: "size",
  question: "What do the bytes of a Secret cost: how long do writes and reads take, and how many bytes does each provider add in etcd?",
  knownBefore:
    "BenchmarkKMSv2REST mixes sizes from 0 to 1 MB in one figure; plugins publish no length of their EDEK (kubernetes-kms #61 names 256 B against 40 B).",
  takes: "75 s for five sizes, 10 Secrets each, three providers and five rounds",
  needs: "control planes that kmsmark starts, one for each provider",
  measures: "control-plane",
  requires: ["configure", "tap", "store"],
  metrics: {
    phases: ["write", "read"],
    figures: ["plaintextBytes", "storedBytes", "overheadBytes", "edekBytes", "keyIdBytes", "annotationBytes"],
    parameters: ["secretBytes"],
  },
  understands: ["secrets", "providers", "load", "rounds", "kms-latency", "api-servers", "cachesize"],
  own: [sizes],
  defaults: {
    secrets: [10],
    providers: ["identity", "kms-v2", "kms-v1"],
    rounds: 5,
    load: { model: "open", arrivals: "constant", ratePerSecond: 40, inFlightMax: 16 },
  },
  async run(bench: Bench) {
    const { options, signal, journal } = bench;
    const cells = await sideBySide(bench, {
      benchmark: "size",
      options,
      variants: sizes.of(options).map((bytes) => ({ value: bytes, parameters: { secretBytes: bytes } })),
      requestsOf: (secrets) => 2 * secrets,
      prepare: async (_plane, count) => count,
      async measure(benchPlane, count, { provider }, bytes) {
        const { meter, plane, chain, configured } = benchPlane;
        const specs = sizedSecrets({ count, bytes, seed: options.seed });
        const bodies = sizedBodies(specs);
        const secrets = { count, namespaces: [], at: (index: number) => itemAt(specs, index) };
        const schedule = scheduleOf(options, count);
        let check: EnvelopeCheck | string = "";
        await meter.load("write", {
          ...requestLoad(meter, schedule, bodies.map(createRequest)),
          async figures() {
            check = await checkStored({ plane, secrets, provider, configured, pluginSocket: chain?.pluginSocket, signal });
            return typeof check === "string" ? {} : await storedFigures(benchPlane, check, itemAt(specs, 0), signal);
          },
        });
        if (typeof check !== "string") journal.append({ event: "envelopes", check });
        await meter.load("read", requestLoad(meter, schedule, bodies.map(getRequest)));
        await sendAside(meter, bodies.map(deleteRequest), signal);
      },
    });
    const groups = contests(cells);
    for (const { name, cells: group } of groups) {
      const writes = measuredOf(group, "write", options.providers);
      const added = writes.map(({ provider, phases }) => `${provider} ${figure(phases[0]?.figures["overheadBytes"] ?? 0)}`).join(", ");
      const text = `A create takes ${contestWords(writes)}; ${basisWords(name, options)}. Bytes added in etcd: ${added}.`;
      journal.append({ event: "finding", finding: { benchmark: "size", text } });
    }
  },
} satisfies Benchmark;

/** What a value takes in etcd, and what of it the provider added; all bytes are means of one value. */
async function storedFigures(
  { plane }: BenchPlane,
  { total, plaintextBytes, storedBytes }: EnvelopeCheck,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  signal: AbortSignal,
): Promise<Record<string, number>> {
  const sizes = {
    plaintextBytes: plaintextBytes / total,
    storedBytes: storedBytes / total,
    overheadBytes: (storedBytes - plaintextBytes) / total,
  };
  const stored = await plane.store?.get(`${plane.etcdPrefix}/secrets/${namespace}/${name}`, signal);
  if (stored === undefined) return sizes;
  const value = parseStoredValue(stored.value);
  if (value.kind === "kms-v1") return { ...sizes, edekBytes: value.edek.length };
  return value.kind === "kms-v2" ? { ...sizes, ...keyFigures(value.object) } : sizes;
}

/** What a KMS v2 plugin's answer takes in each value. */
function keyFigures({ encryptedDekSource, keyId, annotations }: EncryptedObject): Record<string, number> {
  const annotationBytes = [...annotations].reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + value.length, 0);
  return { edekBytes: encryptedDekSource.length, keyIdBytes: Buffer.byteLength(keyId), annotationBytes };
}
