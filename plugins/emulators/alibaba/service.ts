import type { Clock } from "../../../harness/clock.ts";

/** A JSON object as a service answers it. */
export type JsonObject = { readonly [name: string]: JsonValue };
export type JsonValue = string | number | boolean | null | JsonObject | readonly JsonValue[];

/** Who signed a call; what ActionTrail writes as userIdentity is made of it (spec alibaba-cloud 4.2). */
export type Caller =
  | { readonly type: "root-account"; readonly accountId: string; readonly accessKeyId: string; readonly arn: string }
  | {
      readonly type: "ram-user";
      readonly accountId: string;
      readonly accessKeyId: string;
      readonly arn: string;
      readonly userId: string;
      readonly userName: string;
    }
  | {
      readonly type: "assumed-role";
      readonly accountId: string;
      /** `STS.…` */
      readonly accessKeyId: string;
      /** `acs:ram::<account>:role/<role>/<session>` */
      readonly arn: string;
      readonly roleId: string;
      readonly roleName: string;
      readonly sessionName: string;
      readonly createdMs: number;
    }
  /** Only for operations that say so: the call itself carries the proof, as AssumeRoleWithOIDC does. */
  | { readonly type: "anonymous"; readonly accountId: string; readonly accessKeyId: ""; readonly arn: "" };

/** One call of a service, its signature verified, its caller known. */
export interface CloudCall {
  /** A UUID; stands in the answer, in an error and in the event. */
  readonly requestId: string;
  /** The name of the operation, also for ROA. */
  readonly action: string;
  /** From path (ROA), query and form. */
  readonly parameters: ReadonlyMap<string, string>;
  /** The JSON body, where there is one; to be checked with zod. */
  readonly body: unknown;
  readonly caller: Caller;
  readonly sourceAddress: string;
  readonly userAgent: string;
  /**
   * Evaluates the caller's RAM policies; the account root may do all.
   * @param action - `kms:Encrypt`
   * @param resource - `acs:kms:<region>:<account>:key/<id>`
   * @param keys - what the service adds for policy conditions, such as `kms:tag/<key>`.
   * @throws CloudError 403 where they do not allow it.
   */
  authorize(action: string, resource: string, keys?: ReadonlyMap<string, string>): void;
  /** Says what the call is about; ActionTrail keeps it as resourceType and resourceName. The last one counts. */
  concerns(resourceType: string, resourceName: string): void;
}

/** What a service answers: HTTP 200 unless it says otherwise. */
export interface CloudAnswer {
  readonly status?: number;
  /** RPC: the server adds RequestId. ROA: sent as it is; absent, the body is empty. */
  readonly body?: JsonObject | readonly JsonValue[];
  /** What ActionTrail keeps as responseElements: never a plaintext, a ciphertext or a secret. */
  readonly recorded?: JsonObject;
}

/** A quota that operations share, by name (spec alibaba-cloud 1.7); `quotas.ts` has the figures. */
export type QuotaName = "crypto" | "metadata" | "change" | "create-key" | "lookup-events";

export interface CloudOperation {
  /** What ActionTrail writes as eventRW. */
  readonly access: "Read" | "Write";
  /** Needs no signature. */
  readonly anonymous?: boolean;
  readonly quota?: QuotaName;
  /** ROA only: `PUT /clusters/{ClusterId}/kms`; a name in braces becomes a parameter. */
  readonly route?: string;
  /** Parameters that ActionTrail keeps as requestParameters, besides {@link CloudCall.body}'s `recordedBody`. Default: none. */
  readonly recordedParameters?: readonly string[];
  /** The same of a JSON body's members. Default: none. */
  readonly recordedBody?: readonly string[];
  /** @throws CloudError for what the service refuses; anything else is a defect and becomes a 500. */
  handle(call: CloudCall): Promise<CloudAnswer> | CloudAnswer;
}

/** One product of the cloud. It is added to it as a `CloudServiceFactory`; see `index.ts`. Where it holds something, it is disposed of. */
export interface CloudService extends Partial<AsyncDisposable> {
  /** As ActionTrail's serviceName: `Kms`. */
  readonly product: string;
  /** `2016-01-20` */
  readonly version: string;
  /** RPC: the operation is named by `x-acs-action` or `Action`. ROA: by method and path. */
  readonly style: "rpc" | "roa";
  /** How it words a refusal by RAM policies; by default 403 NoPermission. */
  readonly denial?: { readonly status: number; readonly code: string; readonly message: string };
  readonly operations: Readonly<Record<string, CloudOperation>>;
  /** What a restart needs to know, kept in the state file under the product's name. Called after any change told by `cloud.changed()`. */
  save?(): JsonValue;
  /** Given back what {@link save} returned, before the first call; to be checked with zod. */
  load?(saved: unknown): void;
}

export type CloudServiceFactory = (cloud: Cloud) => CloudService;

/** What the services share. */
export interface Cloud {
  readonly accountId: string;
  readonly region: string;
  readonly clock: Clock;
  /** `http://127.0.0.1:PORT`; known once the server listens. */
  readonly url: string;
  readonly keys: CloudKeys;
  readonly roles: CloudRoles;
  readonly trail: CloudTrail;
  /** Says that the state file is out of date; resolves when it is written. At once where there is none. */
  changed(): Promise<void>;
}

/** What other services may do with the keys of the KMS. */
export interface CloudKeys {
  /** The key by id, ARN or alias; undefined where there is none. */
  find(keyId: string): CloudKey | undefined;
  setDeletionProtection(keyId: string, enabled: boolean, description: string): void;
}

export interface CloudKey {
  readonly keyId: string;
  readonly arn: string;
  readonly keySpec: string;
  readonly keyUsage: string;
  /** An account's id, or the name of the service that manages the key for itself. */
  readonly creator: string;
  readonly keyState: "Enabled" | "Disabled" | "PendingDeletion" | "PendingImport";
  readonly primaryKeyVersion: string;
  readonly deletionProtection: boolean;
  readonly tags: Readonly<Record<string, string>>;
}

/** What other services may do with the roles of RAM. */
export interface CloudRoles {
  /** Whether the role is there, trusts the service and has the policy: what the console asks for when it prompts to authorise. */
  isGranted(roleName: string, servicePrincipal: string, policyName: string): boolean;
  /**
   * Assumes a role as a service, as only the cloud itself can: its trust policy must name the service, such as `cs.aliyuncs.com`.
   * @throws CloudError 403 or 404 where it does not or is not there.
   */
  assumeAsService(role: { servicePrincipal: string; roleName: string; sessionName: string; durationSeconds?: number }): SessionCredentials;
}

/** Credentials of an assumed-role session. */
export interface SessionCredentials {
  /** `STS.…` */
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly securityToken: string;
  readonly expirationMs: number;
}

/** The events of ActionTrail, also those that LookupEvents does not show yet. */
export interface CloudTrail {
  readonly events: readonly TrailEvent[];
}

/** One event as LookupEvents shows it (spec alibaba-cloud 4.2), and when it begins to. */
export interface TrailEvent {
  readonly visibleMs: number;
  readonly record: JsonObject;
}

/** A refusal as the service answers it (spec alibaba-cloud 1.6). */
export class CloudError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}
