import { randomUUID } from "node:crypto";
import type { RecordedCall } from "./action-trail.ts";
import { utcSeconds } from "./authorization.ts";
import { type OidcProvider, verifyOidcToken } from "./oidc.ts";
import { optionalInteger, required } from "./parameters.ts";
import { isTrusted, type Principal } from "./policy.ts";
import type { RamStore, Role } from "./ram-store.ts";
import { type Caller, type Cloud, type CloudAnswer, type CloudCall, CloudError, type CloudRoles, type CloudService } from "./service.ts";
import type { Session, SessionStore } from "./sessions.ts";

const sts = { product: "Sts", version: "2015-04-01" } as const;
const assumeRole = "sts:AssumeRole";
const roleResource = "ACS::RAM::Role";
const denial = { status: 403, code: "NoPermission", message: "You are not authorized to do this action. You should be authorized by RAM." };
const denied = () => new CloudError(denial.status, denial.code, denial.message);

interface Identities {
  readonly ram: RamStore;
  readonly sessions: SessionStore;
  readonly oidcProviders: readonly OidcProvider[];
}

/** STS 2015-04-01 (spec alibaba-cloud 2.1): AssumeRole, AssumeRoleWithOIDC, GetCallerIdentity. */
export function createSts(cloud: Cloud, { ram, sessions, oidcProviders }: Identities): CloudService {
  const { accountId } = cloud;

  const open = async ({ parameters, concerns }: CloudCall, role: Role, more: CloudAnswer["body"] = {}): Promise<CloudAnswer> => {
    const policy = parameters.get("Policy");
    const session = sessions.open(
      role,
      required(parameters, "RoleSessionName"),
      // Its own error, not KMS' InvalidParameter, comes from the store.
      optionalInteger(parameters, "DurationSeconds", 0, 999_999_999),
      policy === "" ? undefined : policy,
    );
    await cloud.changed();
    concerns(roleResource, role.name);
    const assumedRoleUser = {
      Arn: `${ram.roleArn(role)}/${session.sessionName}`,
      AssumedRoleId: `${role.id}:${session.sessionName}`,
    };
    const expiration = utcSeconds(session.expirationMs);
    return {
      body: {
        AssumedRoleUser: assumedRoleUser,
        Credentials: {
          AccessKeyId: session.accessKeyId,
          AccessKeySecret: session.accessKeySecret,
          SecurityToken: session.securityToken,
          Expiration: expiration,
        },
        ...more,
      },
      recorded: { AssumedRoleUser: assumedRoleUser, Credentials: { AccessKeyId: session.accessKeyId, Expiration: expiration } },
    };
  };

  const roleOf = (arn: string): Role => {
    const [, account, name = ""] = /^acs:ram::(\d+):role\/(.+)$/.exec(arn) ?? [];
    if (account === undefined) throw new CloudError(400, "InvalidParameter.RoleArn", "The parameter RoleArn is wrongly formed.");
    const role = account === accountId ? ram.findRole(name) : undefined;
    if (role === undefined) throw new CloudError(404, "EntityNotExist.Role", "The specified Role does not exist.");
    return role;
  };

  return {
    ...sts,
    style: "rpc",
    denial,
    operations: {
      AssumeRole: {
        access: "Write",
        recordedParameters: ["RoleArn", "RoleSessionName", "DurationSeconds"],
        async handle(call) {
          const { parameters, caller } = call;
          const roleArn = required(parameters, "RoleArn");
          // The account itself may not call it.
          if (caller.type === "root-account") {
            throw new CloudError(403, "NoPermission", "Roles may not be assumed by root accounts.");
          }
          call.authorize(assumeRole, roleArn);
          const role = roleOf(roleArn);
          const keys = new Map([["sts:ExternalId", parameters.get("ExternalId") ?? ""]]);
          if (!isTrusted(ram.trustOf(role), principalOf(caller), assumeRole, keys)) throw denied();
          return open(call, role);
        },
      },
      AssumeRoleWithOIDC: {
        access: "Write",
        anonymous: true,
        recordedParameters: ["OIDCProviderArn", "RoleArn", "RoleSessionName", "DurationSeconds"],
        async handle(call) {
          const { parameters } = call;
          const arn = required(parameters, "OIDCProviderArn");
          const provider = oidcProviders.find(({ name }) => arn === `acs:ram::${accountId}:oidc-provider/${name}`);
          if (provider === undefined) throw new CloudError(404, "EntityNotExist.OIDCProvider", "The OIDC provider does not exist.");
          const claims = verifyOidcToken(required(parameters, "OIDCToken"), provider, cloud.clock.wallMs());
          const role = roleOf(required(parameters, "RoleArn"));
          const keys = new Map([
            ["oidc:iss", provider.issuer],
            ["oidc:sub", claims.subject],
            ["oidc:aud", claims.audiences[0] ?? ""],
          ]);
          if (!isTrusted(ram.trustOf(role), { kind: "Federated", arn }, assumeRole, keys)) {
            throw new CloudError(403, "AuthenticationFail.NoPermission", "This operator is not authorized to assume the role.");
          }
          const OIDCTokenInfo = { Subject: claims.subject, Issuer: provider.issuer, ClientIds: claims.audiences.join(",") };
          return open(call, role, { OIDCTokenInfo });
        },
      },
      GetCallerIdentity: {
        access: "Read",
        handle: ({ caller }) => ({ body: { AccountId: accountId, Arn: caller.arn, ...identityOf(caller) } }),
      },
    },
  };
}

/**
 * Assuming a role as the cloud's own services do: nobody signs, the trust policy alone decides.
 * @param record - writes it down like any other AssumeRole.
 */
export function createCloudRoles({ ram, sessions }: Omit<Identities, "oidcProviders">, record: (call: RecordedCall) => void): CloudRoles {
  const trusts = (role: Role, name: string) => isTrusted(ram.trustOf(role), { kind: "Service", name }, assumeRole, new Map());
  return {
    isGranted(roleName, servicePrincipal, policyName) {
      const role = ram.findRole(roleName);
      return role !== undefined && trusts(role, servicePrincipal) && role.policies.some(({ name }) => name === policyName);
    },
    assumeAsService({ servicePrincipal, roleName, sessionName, durationSeconds }): Session {
      const role = ram.findRole(roleName);
      if (role === undefined) throw new CloudError(404, "EntityNotExist.Role", "The specified Role does not exist.");
      if (!trusts(role, servicePrincipal)) throw denied();
      const session = sessions.open(role, sessionName, durationSeconds);
      record({
        requestId: randomUUID().toUpperCase(),
        service: sts,
        action: "AssumeRole",
        operation: { access: "Write", recordedParameters: ["RoleArn", "RoleSessionName"] },
        parameters: new Map([
          ["RoleArn", ram.roleArn(role)],
          ["RoleSessionName", sessionName],
        ]),
        body: undefined,
        caller: { type: "service", accountId: ram.accountId, servicePrincipal },
        sourceAddress: "Internal",
        userAgent: servicePrincipal,
        resource: { type: roleResource, name: role.name },
        recorded: { Credentials: { AccessKeyId: session.accessKeyId, Expiration: utcSeconds(session.expirationMs) } },
        error: undefined,
      });
      return session;
    },
  };
}

/** The names by which a trust policy can mean the caller: itself, or its whole account. */
function principalOf(caller: Caller): Principal {
  const account = `acs:ram::${caller.accountId}:root`;
  const own = caller.type === "assumed-role" ? caller.arn.slice(0, caller.arn.lastIndexOf("/")) : caller.arn;
  return { kind: "RAM", arns: [account, own] };
}

function identityOf(caller: Caller) {
  switch (caller.type) {
    case "root-account":
      return { IdentityType: "Account", PrincipalId: caller.accountId, UserId: caller.accountId };
    case "ram-user":
      return { IdentityType: "RAMUser", PrincipalId: caller.userId, UserId: caller.userId };
    case "assumed-role":
      return { IdentityType: "AssumedRoleUser", PrincipalId: `${caller.roleId}:${caller.sessionName}`, RoleId: caller.roleId };
    case "anonymous":
      return {};
  }
}
