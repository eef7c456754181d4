import { z } from "zod";
import { newAccessKeyId, newAccessKeySecret, newPrincipalId } from "./ids.ts";
import { type Policy, parsePolicy, parseTrustPolicy, type TrustPolicy } from "./policy.ts";
import { type Caller, CloudError } from "./service.ts";
import { systemPolicies } from "./system-policies.ts";

const accessKeySchema = z.strictObject({
  id: z.string(),
  secret: z.string(),
  status: z.enum(["Active", "Inactive"]),
  createdMs: z.number(),
  /** Absent for the account's own. */
  userName: z.string().optional(),
});
const attachmentSchema = z.strictObject({ type: z.enum(["System", "Custom"]), name: z.string() });
const userSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  displayName: z.string(),
  createdMs: z.number(),
  policies: z.array(attachmentSchema),
});
const roleSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  createdMs: z.number(),
  maxSessionSeconds: z.number(),
  trust: z.string(),
  policies: z.array(attachmentSchema),
});
const customPolicySchema = z.strictObject({ name: z.string(), description: z.string(), document: z.string(), createdMs: z.number() });

export const ramStateSchema = z.strictObject({
  accessKeys: z.array(accessKeySchema),
  users: z.array(userSchema),
  roles: z.array(roleSchema),
  policies: z.array(customPolicySchema),
});

export type AccessKey = z.infer<typeof accessKeySchema>;
export type Attachment = z.infer<typeof attachmentSchema>;
export type User = z.infer<typeof userSchema>;
export type Role = z.infer<typeof roleSchema>;
export type CustomPolicy = z.infer<typeof customPolicySchema>;

/** The users, roles, policies and access keys of one account. */
export class RamStore {
  readonly accountId: string;
  readonly #accessKeys = new Map<string, AccessKey>();
  readonly #users = new Map<string, User>();
  readonly #roles = new Map<string, Role>();
  readonly #policies = new Map<string, CustomPolicy>();
  /** Parsed once; a policy's text never changes. */
  readonly #parsed = new Map<string, Policy>();
  readonly #now: () => number;

  constructor(accountId: string, now: () => number) {
    this.accountId = accountId;
    this.#now = now;
  }

  get users(): readonly User[] {
    return [...this.#users.values()];
  }

  get roles(): readonly Role[] {
    return [...this.#roles.values()];
  }

  /** @throws CloudError where there is none. */
  user(name: string): User {
    return found(this.#users.get(name), "User", "user");
  }

  /** Names of roles are looked up without regard to case. @throws CloudError where there is none. */
  role(name: string): Role {
    return found(this.findRole(name), "Role", "role");
  }

  findRole(name: string): Role | undefined {
    return this.#roles.get(name.toLowerCase());
  }

  createUser(name: string, displayName: string): User {
    if (!/^[A-Za-z0-9._-]{1,64}$/.test(name)) throw new CloudError(400, "InvalidParameter.UserName", "The user name is not valid.");
    if (this.#users.has(name)) throw exists("User", "user");
    const user = { id: newPrincipalId("2"), name, displayName, createdMs: this.#now(), policies: [] };
    this.#users.set(name, user);
    return user;
  }

  deleteUser(name: string): void {
    const user = this.user(name);
    if (user.policies.length > 0) throw new CloudError(409, "DeleteConflict.User.Policy", "The user has policies attached.");
    if (this.accessKeysOf(name).length > 0) throw new CloudError(409, "DeleteConflict.User.AccessKey", "The user has access keys.");
    this.#users.delete(name);
  }

  createRole(role: Pick<Role, "name" | "description" | "trust" | "maxSessionSeconds">): Role {
    if (!/^[A-Za-z0-9._-]{1,64}$/.test(role.name)) throw new CloudError(400, "InvalidParameter.RoleName", "The role name is not valid.");
    if (this.findRole(role.name) !== undefined) throw exists("Role", "role");
    if (parseTrustPolicy(role.trust) === undefined) throw malformed();
    if (!(role.maxSessionSeconds >= 3600 && role.maxSessionSeconds <= 43_200)) {
      throw new CloudError(400, "InvalidParameter.MaxSessionDuration", "MaxSessionDuration must be 3600 to 43200.");
    }
    const created: Role = { ...role, id: newPrincipalId("3"), createdMs: this.#now(), policies: [] };
    this.#roles.set(role.name.toLowerCase(), created);
    return created;
  }

  updateTrust(name: string, trust: string): Role {
    const role = this.role(name);
    if (parseTrustPolicy(trust) === undefined) throw malformed();
    role.trust = trust;
    return role;
  }

  deleteRole(name: string): void {
    const role = this.role(name);
    if (role.policies.length > 0) throw new CloudError(409, "DeleteConflict.Role.Policy", "The role has policies attached.");
    this.#roles.delete(role.name.toLowerCase());
  }

  /** @param userName - undefined for the account itself. */
  createAccessKey(userName: string | undefined): AccessKey {
    if (userName !== undefined) {
      this.user(userName);
      if (this.accessKeysOf(userName).length >= 2) {
        throw new CloudError(409, "LimitExceeded.User.AccessKey", "The count of the user's access keys has reached the limit of 2.");
      }
    }
    const key: AccessKey = {
      id: newAccessKeyId(),
      secret: newAccessKeySecret(),
      status: "Active",
      createdMs: this.#now(),
      ...(userName === undefined ? {} : { userName }),
    };
    this.#accessKeys.set(key.id, key);
    return key;
  }

  findAccessKey(id: string): AccessKey | undefined {
    return this.#accessKeys.get(id);
  }

  accessKeysOf(userName: string | undefined): readonly AccessKey[] {
    return [...this.#accessKeys.values()].filter((key) => key.userName === userName);
  }

  /** @throws CloudError where the user has no such key. */
  accessKeyOf(userName: string, id: string): AccessKey {
    return found(
      this.accessKeysOf(userName).find((key) => key.id === id),
      "User.AccessKey",
      "access key",
    );
  }

  deleteAccessKey(userName: string, id: string): void {
    this.#accessKeys.delete(this.accessKeyOf(userName, id).id);
  }

  createPolicy(name: string, description: string, document: string): CustomPolicy {
    if (!/^[A-Za-z0-9-]{1,128}$/.test(name)) throw new CloudError(400, "InvalidParameter.PolicyName", "The policy name is not valid.");
    if (this.#policies.has(name) || name in systemPolicies) throw exists("Policy", "policy");
    if (parsePolicy(document) === undefined) throw malformed();
    const policy = { name, description, document, createdMs: this.#now() };
    this.#policies.set(name, policy);
    return policy;
  }

  deletePolicy(name: string): void {
    found(this.#policies.get(name), "Policy", "policy");
    const isUsed = [...this.#users.values(), ...this.#roles.values()].some(({ policies }) =>
      policies.some((each) => each.type === "Custom" && each.name === name),
    );
    if (isUsed) throw new CloudError(409, "DeleteConflict.Policy", "The policy is attached.");
    this.#policies.delete(name);
    this.#parsed.delete(`Custom/${name}`);
  }

  /** @throws CloudError where there is none. */
  policyText({ type, name }: Attachment): string {
    return found(type === "System" ? systemPolicies[name] : this.#policies.get(name)?.document, "Policy", "policy");
  }

  attach(holder: User | Role, kind: "User" | "Role", policy: Attachment): void {
    this.policyText(policy);
    if (holder.policies.some((each) => isSame(each, policy))) throw exists(`${kind}.Policy`, "attachment");
    holder.policies.push(policy);
  }

  detach(holder: User | Role, kind: "User" | "Role", policy: Attachment): void {
    const at = holder.policies.findIndex((each) => isSame(each, policy));
    if (at < 0) throw new CloudError(404, `EntityNotExist.${kind}.Policy`, "The policy is not attached.");
    holder.policies.splice(at, 1);
  }

  policiesOf(holder: User | Role): readonly Policy[] {
    return holder.policies.flatMap((attachment) => {
      const name = `${attachment.type}/${attachment.name}`;
      const policy = this.#parsed.get(name) ?? parsePolicy(this.policyText(attachment));
      if (policy === undefined) throw new TypeError("A policy is checked before it is kept.");
      this.#parsed.set(name, policy);
      return [policy];
    });
  }

  trustOf(role: Role): TrustPolicy {
    const trust = parseTrustPolicy(role.trust);
    if (trust === undefined) throw new TypeError("A trust policy is checked before it is kept.");
    return trust;
  }

  userArn(name: string): string {
    return `acs:ram::${this.accountId}:user/${name}`;
  }

  roleArn(role: Role): string {
    return `acs:ram::${this.accountId}:role/${role.name.toLowerCase()}`;
  }

  /** Who signs with an access key of the account or of one of its users. */
  callerOf(key: AccessKey): Caller {
    const { accountId } = this;
    if (key.userName === undefined) {
      return { type: "root-account", accountId, accessKeyId: key.id, arn: `acs:ram::${accountId}:root` };
    }
    const { id: userId, name: userName } = this.user(key.userName);
    return { type: "ram-user", accountId, accessKeyId: key.id, arn: this.userArn(userName), userId, userName };
  }

  save(): z.infer<typeof ramStateSchema> {
    const [accessKeys, users, roles, policies] = [this.#accessKeys, this.#users, this.#roles, this.#policies];
    return {
      accessKeys: [...accessKeys.values()],
      users: [...users.values()],
      roles: [...roles.values()],
      policies: [...policies.values()],
    };
  }

  load({ accessKeys, users, roles, policies }: z.infer<typeof ramStateSchema>): void {
    for (const key of accessKeys) this.#accessKeys.set(key.id, key);
    for (const user of users) this.#users.set(user.name, user);
    for (const role of roles) this.#roles.set(role.name.toLowerCase(), role);
    for (const policy of policies) this.#policies.set(policy.name, policy);
  }
}

const isSame = (a: Attachment, b: Attachment) => a.type === b.type && a.name === b.name;

function found<Entity>(entity: Entity | undefined, kind: string, noun: string): Entity {
  if (entity === undefined) throw new CloudError(404, `EntityNotExist.${kind}`, `The ${noun} does not exist.`);
  return entity;
}

const exists = (kind: string, noun: string) => new CloudError(409, `EntityAlreadyExists.${kind}`, `The ${noun} already exists.`);
const malformed = () => new CloudError(400, "MalformedPolicyDocument", "The policy document is malformed.");
