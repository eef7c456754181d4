import { utcSeconds } from "./authorization.ts";
import { optionalInteger, required } from "./parameters.ts";
import type { Attachment, RamStore, Role, User } from "./ram-store.ts";
import { type Cloud, type CloudAnswer, type CloudCall, CloudError, type CloudOperation, type CloudService } from "./service.ts";

/** RAM 2015-05-01, as much of it as it takes to authorise users and roles. Names of error codes that the spec does not give are our guess. */
export function createRam(cloud: Cloud, ram: RamStore): CloudService {
  const { accountId } = cloud;
  type Kind = "user" | "role" | "policy";

  const operation = (
    access: CloudOperation["access"],
    kind: Kind,
    nameParameter: string | undefined,
    handle: (call: CloudCall, name: string) => CloudAnswer["body"],
  ): CloudOperation => ({
    access,
    recordedParameters: ["UserName", "RoleName", "PolicyName", "PolicyType", "UserAccessKeyId", "Status", "AssumeRolePolicyDocument"],
    async handle(call) {
      const name = nameParameter === undefined ? "*" : required(call.parameters, nameParameter);
      call.authorize(`ram:${call.action}`, `acs:ram::${accountId}:${kind}/${name}`);
      if (nameParameter !== undefined) call.concerns(`ACS::RAM::${kind[0]?.toUpperCase()}${kind.slice(1)}`, name);
      const body = handle(call, name) ?? {};
      if (access === "Write") await cloud.changed();
      return { body };
    },
  });

  const attachment = ({ parameters }: CloudCall): Attachment => {
    const type = required(parameters, "PolicyType");
    if (type !== "System" && type !== "Custom") throw new CloudError(400, "InvalidParameter.PolicyType", "It is System or Custom.");
    return { type, name: required(parameters, "PolicyName") };
  };
  const attachments = ({ policies }: User | Role) => ({
    Policies: { Policy: policies.map(({ type, name }) => ({ PolicyType: type, PolicyName: name, DefaultVersion: "v1" })) },
  });

  const user = ({ id, name, displayName, createdMs }: User) => ({
    UserId: id,
    UserName: name,
    DisplayName: displayName,
    CreateDate: utcSeconds(createdMs),
  });
  const role = (of: Role) => ({
    RoleId: of.id,
    RoleName: of.name,
    Arn: ram.roleArn(of),
    Description: of.description,
    AssumeRolePolicyDocument: of.trust,
    MaxSessionDuration: of.maxSessionSeconds,
    CreateDate: utcSeconds(of.createdMs),
  });

  return {
    product: "Ram",
    version: "2015-05-01",
    style: "rpc",
    operations: {
      CreateUser: operation("Write", "user", "UserName", ({ parameters }, name) => ({
        User: user(ram.createUser(name, parameters.get("DisplayName") ?? "")),
      })),
      GetUser: operation("Read", "user", "UserName", (_call, name) => ({ User: user(ram.user(name)) })),
      ListUsers: operation("Read", "user", undefined, () => ({ Users: { User: ram.users.map(user) }, IsTruncated: false })),
      DeleteUser: operation("Write", "user", "UserName", (_call, name) => void ram.deleteUser(name)),

      CreateAccessKey: operation("Write", "user", "UserName", (_call, name) => {
        const { id, secret, status, createdMs } = ram.createAccessKey(name);
        return { AccessKey: { AccessKeyId: id, AccessKeySecret: secret, Status: status, CreateDate: utcSeconds(createdMs) } };
      }),
      ListAccessKeys: operation("Read", "user", "UserName", (_call, name) => ({
        AccessKeys: {
          AccessKey: ram
            .accessKeysOf(ram.user(name).name)
            .map(({ id, status, createdMs }) => ({ AccessKeyId: id, Status: status, CreateDate: utcSeconds(createdMs) })),
        },
      })),
      UpdateAccessKey: operation("Write", "user", "UserName", ({ parameters }, name) => {
        const status = required(parameters, "Status");
        if (status !== "Active" && status !== "Inactive") throw new CloudError(400, "InvalidParameter.Status", "It is Active or Inactive.");
        ram.accessKeyOf(name, required(parameters, "UserAccessKeyId")).status = status;
        return undefined;
      }),
      DeleteAccessKey: operation(
        "Write",
        "user",
        "UserName",
        ({ parameters }, name) => void ram.deleteAccessKey(name, required(parameters, "UserAccessKeyId")),
      ),

      CreateRole: operation("Write", "role", "RoleName", ({ parameters }, name) => ({
        Role: role(
          ram.createRole({
            name,
            description: parameters.get("Description") ?? "",
            trust: required(parameters, "AssumeRolePolicyDocument"),
            maxSessionSeconds: optionalInteger(parameters, "MaxSessionDuration", 0, 999_999) ?? 3600,
          }),
        ),
      })),
      GetRole: operation("Read", "role", "RoleName", (_call, name) => ({ Role: role(ram.role(name)) })),
      ListRoles: operation("Read", "role", undefined, () => ({ Roles: { Role: ram.roles.map(role) }, IsTruncated: false })),
      UpdateRole: operation("Write", "role", "RoleName", ({ parameters }, name) => ({
        Role: role(ram.updateTrust(name, required(parameters, "NewAssumeRolePolicyDocument"))),
      })),
      DeleteRole: operation("Write", "role", "RoleName", (_call, name) => void ram.deleteRole(name)),

      CreatePolicy: operation("Write", "policy", "PolicyName", ({ parameters }, name) => {
        const made = ram.createPolicy(name, parameters.get("Description") ?? "", required(parameters, "PolicyDocument"));
        return { Policy: { PolicyName: made.name, PolicyType: "Custom", Description: made.description, DefaultVersion: "v1" } };
      }),
      GetPolicy: operation("Read", "policy", "PolicyName", (call, name) => ({
        Policy: { PolicyName: name, PolicyType: attachment(call).type, DefaultVersion: "v1" },
        DefaultPolicyVersion: { VersionId: "v1", IsDefaultVersion: true, PolicyDocument: ram.policyText(attachment(call)) },
      })),
      DeletePolicy: operation("Write", "policy", "PolicyName", (_call, name) => void ram.deletePolicy(name)),

      AttachPolicyToUser: operation("Write", "user", "UserName", (call, name) => void ram.attach(ram.user(name), "User", attachment(call))),
      DetachPolicyFromUser: operation(
        "Write",
        "user",
        "UserName",
        (call, name) => void ram.detach(ram.user(name), "User", attachment(call)),
      ),
      ListPoliciesForUser: operation("Read", "user", "UserName", (_call, name) => attachments(ram.user(name))),
      AttachPolicyToRole: operation("Write", "role", "RoleName", (call, name) => void ram.attach(ram.role(name), "Role", attachment(call))),
      DetachPolicyFromRole: operation(
        "Write",
        "role",
        "RoleName",
        (call, name) => void ram.detach(ram.role(name), "Role", attachment(call)),
      ),
      ListPoliciesForRole: operation("Read", "role", "RoleName", (_call, name) => attachments(ram.role(name))),
    },
  };
}
