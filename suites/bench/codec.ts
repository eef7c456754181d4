import { randomBytes } from "node:crypto";
import {
  buildStoredValue,
  dekSourceTypes,
  type Opened,
  openAesCbc,
  openAesGcm,
  openKmsV1,
  openKmsV2,
  openSecretbox,
  parseStoredValue,
  type StoredValue,
  sealAesCbc,
  sealAesGcm,
  sealKmsV1,
  sealKmsV2,
  sealSecretbox,
} from "../../harness/envelope/index.ts";
import { FrameSplitter, frameBytes, frameTypes } from "../../harness/kms/http2/frames.ts";
import { encodeLiterals, HpackDecoder } from "../../harness/kms/http2/hpack.ts";
import { kmsV2Service } from "../../harness/kms/messages.ts";
import { Random } from "../../harness/random.ts";
import { type BenchProvider, benchProviders } from "../../harness/run/schema.ts";
import type { Benchmark, PluginBench } from "./benchmark.ts";
import { inMs } from "./comparison.ts";
import { type MicroTask, measureMicro, microMs } from "./micro.ts";
import { numbersOption } from "./number-words.ts";

const name = "codec";
const aad = Buffer.from("/registry/secrets/default/codec");

const bytes = numbersOption({
  name: "plaintext-bytes",
  describe: "How long the value is that is sealed and opened (64, 16Ki, 1Mi); several numbers are measured one after the other",
  default: "1Ki",
  max: 2 ** 24,
  isBytes: true,
});

export const codec = {
  id: "codec",
  question: "What do sealing and opening a stored value cost by themselves, in each provider, and the messages and frames of a KMS call?",
  knownBefore:
    "Kubernetes has Go benchmarks of its AES transformers alone; nothing compares all providers, or tells the harness's own share.",
  takes: "6 s",
  needs: "nothing: it measures the codecs of kmsmark, which are not kube-apiserver's",
  measures: "plugin",
  metrics: { phases: ["seal", "open", "message-encode", "message-decode", "hpack", "frames"], parameters: ["plaintextBytes"] },
  understands: ["rounds"],
  own: [bytes, microMs],
  async run(bench: PluginBench) {
    const { options, journal, progress } = bench;
    const sizes = bytes.of(options);
    const phases = options.rounds * sizes.length * (2 * benchProviders.length + wireTasks(options.seed).length);
    progress.expect({ weight: phases, cells: options.rounds * sizes.length * benchProviders.length, phases });
    for (let round = 1; round <= options.rounds; round++) {
      for (const plaintextBytes of sizes) {
        for (const provider of benchProviders) {
          const origin = { benchmark: "codec", provider, secrets: 1, parameters: { plaintextBytes }, round };
          const wire = provider === "kms-v2" ? wireTasks(options.seed) : [];
          await measureMicro(bench, origin, [...envelopeTasks(provider, plaintextBytes, options.seed), ...wire]);
        }
      }
    }
    const cells = journal.result().cells.filter(({ benchmark }) => benchmark === "codec");
    const [size] = sizes;
    const parts = cells
      .filter(({ parameters, round }) => round === 1 && parameters["plaintextBytes"] === size)
      .map(({ provider, phases }) => {
        const of = (phase: string) => inMs(phases.find((each) => each.name === phase)?.latency?.p50);
        return `${provider} ${of("seal")} and ${of("open")}`;
      });
    const text = `To seal and to open ${size} bytes takes at the median: ${parts.join(", ")}. These are kmsmark's codecs on Node.js, not kube-apiserver's.`;
    journal.append({ event: "finding", finding: { benchmark: "codec", text } });
  },
} satisfies Benchmark;

/** From plaintext to what lies in etcd, and back; what is opened is compared once, so that nothing wrong is timed. */
function envelopeTasks(provider: BenchProvider, plaintextBytes: number, seed: string): MicroTask[] {
  const random = new Random(seed).child(`codec ${provider} ${plaintextBytes}`);
  const plaintext = random.bytes(plaintextBytes);
  const { seal, open } = schemes(random)[provider];
  const sealed = buildStoredValue(seal(plaintext));
  const opened = open(parseStoredValue(sealed));
  if (Buffer.compare(opened.plaintext, plaintext) !== 0) throw new TypeError(`The codec of ${provider} does not open what it sealed.`);
  return [
    { name: "seal", batch, run: () => buildStoredValue(seal(plaintext)) },
    { name: "open", batch, run: () => open(parseStoredValue(sealed)) },
  ];
}

const batch = 16;

interface Scheme {
  seal(plaintext: Uint8Array): StoredValue;
  open(value: StoredValue): Opened;
}

/** Keys of a benchmark: nothing is kept under them. */
function schemes(random: Random): Record<BenchProvider, Scheme> {
  const [key, edek] = [random.bytes(32), random.bytes(60)];
  const sealing = (plaintext: Uint8Array) => ({ plaintext, aad, random: randomBytes });
  const source = {
    dek: key,
    encryptedDekSource: edek,
    encryptedDekSourceType: dekSourceTypes.hkdfSha256XnonceAesGcmSeed,
    keyId: "codec",
    annotations: new Map<string, Uint8Array>(),
  };
  const wrong = (): never => {
    throw new TypeError("A stored value is of another kind than it was made as.");
  };
  return {
    identity: {
      seal: (plaintext) => ({ kind: "identity", plaintext }),
      open: (value) => (value.kind === "identity" ? { plaintext: value.plaintext } : wrong()),
    },
    "kms-v1": {
      seal: (plaintext) => ({ kind: "kms-v1", providerName: name, ...sealKmsV1({ dek: key, edek }, sealing(plaintext)) }),
      open: (value) => (value.kind === "kms-v1" ? openKmsV1(key, value.payload, aad) : wrong()),
    },
    "kms-v2": {
      seal: (plaintext) => ({ kind: "kms-v2", providerName: name, object: sealKmsV2(source, sealing(plaintext)) }),
      open: (value) => (value.kind === "kms-v2" ? openKmsV2(key, value.object, aad) : wrong()),
    },
    aescbc: {
      seal: (plaintext) => ({ kind: "aescbc", keyName: name, body: sealAesCbc(key, sealing(plaintext)) }),
      open: (value) => (value.kind === "aescbc" ? openAesCbc(key, value.body) : wrong()),
    },
    aesgcm: {
      seal: (plaintext) => ({ kind: "aesgcm", keyName: name, body: sealAesGcm(key, sealing(plaintext)) }),
      open: (value) => (value.kind === "aesgcm" ? openAesGcm(key, value.body, aad) : wrong()),
    },
    secretbox: {
      seal: (plaintext) => ({ kind: "secretbox", keyName: name, body: sealSecretbox(key, sealing(plaintext)) }),
      open: (value) => (value.kind === "secretbox" ? openSecretbox(key, value.body) : wrong()),
    },
  };
}

/** What an Encrypt call of KMS v2 is made of on its way, as far as the tap and the plugin's clients see it. */
function wireTasks(seed: string): MicroTask[] {
  const random = new Random(seed).child("codec wire");
  const request = { plaintext: random.bytes(32), uid: "6a1ea7c8-57ae-4b2c-a4d2-f3a4c1a2b111" };
  const answer = kmsV2Service.Encrypt.responseSerialize({
    ciphertext: random.bytes(60),
    keyId: "codec",
    annotations: new Map([["version.codec.kmsmark.test", random.bytes(16)]]),
  });
  const block = encodeLiterals([
    [":status", "200"],
    ["content-type", "application/grpc"],
  ]);
  const frames = Buffer.concat([frameBytes(frameTypes.headers, 4, 1, block), frameBytes(frameTypes.data, 0, 1, answer)]);
  const decoder = new HpackDecoder();
  const splitter = new FrameSplitter(false);
  return [
    { name: "message-encode", batch, run: () => kmsV2Service.Encrypt.requestSerialize(request) },
    { name: "message-decode", batch, run: () => kmsV2Service.Encrypt.responseDeserialize(answer) },
    { name: "hpack", batch, run: () => decoder.decode(block) },
    { name: "frames", batch, run: () => [...splitter.split(frames)].length },
  ];
}
