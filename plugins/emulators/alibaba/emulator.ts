import { randomBytes } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { systemClock } from "../../../harness/clock.ts";
import { messageOf, PluginError } from "../../../harness/errors.ts";
import type { Emulator } from "../../emulator.ts";
import { ack } from "./ack.ts";
import { PluginDriver } from "./ack-plugin-driver.ts";
import { type RunningCloud, startAlibabaCloud } from "./index.ts";

const userName = "kmsmark";
const alias = "alias/kmsmark-demo";

/** `kmsmark emulate alibaba`: the local cloud with one RAM user, who may do all, and one key. */
export const alibaba = {
  summary: "Alibaba Cloud: KMS, STS, RAM, ActionTrail, ECS metadata and ACK of one account in one region",
  example: {
    line: "kmsmark emulate alibaba --port 8700 --state cloud.json --fault 'Encrypt:latency=20ms'",
    does: "serves Alibaba Cloud on 127.0.0.1:8700, keeps keys and events in cloud.json and makes Encrypt slow",
  },
  async start({ port, stateFile, region, eventDelayMs, faults, seed, fileFor, onDefect }) {
    const adminToken = randomBytes(24).toString("base64url");
    await using started = new AsyncDisposableStack();
    const driver = started.use(await PluginDriver.open(systemClock));
    const cloud = started.use(
      await startAlibabaCloud({
        port,
        faults,
        seed,
        adminToken,
        onDefect,
        services: [ack({ driver: () => driver })],
        ...(stateFile === undefined ? {} : { stateFile }),
        ...(region === undefined ? {} : { region }),
        ...(eventDelayMs === undefined ? {} : { eventDelayMs }),
      }),
    );
    const { admin } = cloud;
    const credentials = admin.accessKeyOf(userName) ?? admin.createUser(userName, ["AdministratorAccess"]);
    const { keyId } = cloud.cloud.keys.find(alias) ?? admin.createKey({ alias });
    await cloud.cloud.changed();

    const credentialsFile = fileFor("credentials.json");
    const environmentFile = fileFor("environment.sh");
    const adminHeaderFile = fileFor("admin-header");
    await writePrivately(credentialsFile, `${JSON.stringify(credentials)}\n`);
    await writePrivately(environmentFile, environmentOf(cloud, credentials));
    // As curl reads a header, so that the token stands on no command line.
    await writePrivately(adminHeaderFile, `Authorization: Bearer ${adminToken}\n`);

    const running = started.move();
    return {
      url: cloud.url,
      region: cloud.region,
      facts: { accountId: cloud.accountId, keyId, userName, credentialsFile, environmentFile, adminHeaderFile, ackSockets: driver.folder },
      pluginWords: { "key-id": keyId, region: cloud.region, endpoint: cloud.url, "credentials-file": credentialsFile },
      lines: [
        `Account ${cloud.accountId}, RAM user ${userName}; its access key is in ${credentialsFile}.`,
        `Key ${keyId} (${alias}).`,
        "",
        "For the vendor's SDKs, which take 127.0.0.1 and the port as endpoint and http as protocol:",
        `    . ${environmentFile}`,
        "For kmsmark's own plugin, with that access key or with the role of the emulated instance:",
        `    kmsmark plugin --socket kms.sock --provider alibaba --region ${cloud.region} --key-id ${keyId} --endpoint ${cloud.url} --credentials-file ${credentialsFile}`,
        `    kmsmark plugin --socket kms.sock --provider alibaba --region ${cloud.region} --key-id ${keyId} --endpoint ${cloud.url} --credentials ecs-ram-role --metadata-endpoint ${cloud.url}`,
        `Clusters of ACK have no control plane here; their plugins serve on ${driver.folder}/CLUSTER-N.sock. To verify one:`,
        `    . ${environmentFile}; kmsmark ack verify --cluster CLUSTER --region ${cloud.region} --endpoint-cs ${cloud.url} --endpoint-kms ${cloud.url} --endpoint-actiontrail ${cloud.url}`,
        "To rotate the key, which the real KMS does by its calendar alone:",
        `    curl -s ${cloud.url}/kmsmark/admin -H @${adminHeaderFile} -d '{"do":"rotateKey","keyId":"${keyId}"}'`,
      ],
      [Symbol.asyncDispose]: () => running.disposeAsync(),
    };
  },
} as const satisfies Emulator;

function environmentOf(cloud: RunningCloud, { accessKeyId, accessKeySecret }: RunningCloud["root"]): string {
  const variables = {
    ALIBABA_CLOUD_ACCESS_KEY_ID: accessKeyId,
    ALIBABA_CLOUD_ACCESS_KEY_SECRET: accessKeySecret,
    ALIBABA_CLOUD_REGION_ID: cloud.region,
    // Only asked where there is no access key.
    ALIBABA_CLOUD_CREDENTIALS_URI: cloud.credentialsUri,
  };
  // None of the values has a character that a shell minds.
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}=${value}\n`)
    .join("");
}

async function writePrivately(path: string, text: string): Promise<void> {
  try {
    // A leftover may be anybody's, or have another mode.
    await rm(path, { force: true });
    await writeFile(path, text, { mode: 0o600, flag: "wx" });
  } catch (thrown) {
    throw new PluginError("cloud-file-unwritable", `A file with credentials cannot be written: ${messageOf(thrown)}.`, { cause: thrown });
  }
}
