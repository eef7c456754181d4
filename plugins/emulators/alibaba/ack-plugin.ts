import type { Clock } from "../../../harness/clock.ts";
import { AlibabaClient, type RpcCaller } from "../../alibaba/client.ts";
import { AlibabaFault } from "../../alibaba/fault.ts";
import { kmsProduct } from "../../alibaba/kms-api.ts";
import { type RunningPlugin, startPlugin } from "../../index.ts";
import { openAlibabaProvider } from "../../providers/alibaba.ts";
import type { ClusterKms, DrivenCluster } from "./ack-driver.ts";

export interface ClusterPluginOptions {
  readonly kms: ClusterKms;
  readonly cluster: DrivenCluster;
  readonly socket: string;
  readonly clock: Clock;
  /** Told of every call that the KMS answered. */
  readonly onKmsCall?: (call: KmsCall) => void;
}

/** A call of the KMS by a plugin. */
export interface KmsCall {
  readonly action: string;
  /** Whether it was answered with an error. */
  readonly isRefused: boolean;
  /** Whether the plugin made it by itself, to learn whether and with which version the key encrypts. */
  readonly isProbe: boolean;
}

/** Starts the bundled plugin as a cluster's own: with its key, and credentials of the cluster's role from their URI. */
export async function startClusterPlugin({ kms, cluster, socket, clock, onKmsCall }: ClusterPluginOptions): Promise<RunningPlugin> {
  const provider = await openAlibabaProvider(
    {
      keyName: kms.keyId,
      region: kms.region,
      endpoint: new URL(kms.endpoint),
      isVpc: false,
      clusterId: cluster.clusterId,
      credentialKind: "uri",
      credentialsFile: undefined,
      role: undefined,
      sessionName: "kmsmark",
      stsEndpoint: undefined,
      metadataEndpoint: undefined,
      environment: { ALIBABA_CLOUD_CREDENTIALS_URI: kms.credentialsUri },
    },
    {
      log: { info() {}, warn() {} },
      clock,
      connect: (settings) => watched(new AlibabaClient({ product: kmsProduct, ...settings }), onKmsCall),
    },
  );
  return startPlugin({ socket, provider, clock });
}

/** A call that got no answer is not told: nobody knows whether the KMS had it. */
function watched(client: RpcCaller, onKmsCall: ClusterPluginOptions["onKmsCall"]): RpcCaller {
  return {
    async rpc(action, parameters, schema, call) {
      const isProbe = parameters["EncryptionContext"]?.includes('"kmsmark-purpose":"probe"') === true;
      try {
        const answer = await client.rpc(action, parameters, schema, call);
        onKmsCall?.({ action, isRefused: false, isProbe });
        return answer;
      } catch (thrown) {
        if (thrown instanceof AlibabaFault && thrown.facts.httpStatus !== undefined) onKmsCall?.({ action, isRefused: true, isProbe });
        throw thrown;
      }
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}
