import { describe, expect, it } from "vitest";
import { arrange, refusalOf } from "./testing/cloud.ts";

const policy = { PolicyType: "System", PolicyName: "AliyunKMSCryptoAdminAccess" };

describe("RAM", () => {
  it("makes a user who may use keys once a policy says so, and not once it is taken away", async () => {
    await using cloud = await arrange();
    await cloud.root.call("Ram", "CreateUser", { UserName: "ann", DisplayName: "Ann" });
    const { AccessKey } = await cloud.root.call("Ram", "CreateAccessKey", { UserName: "ann" });
    const [accessKeyId = "", accessKeySecret = ""] = ["AccessKeyId", "AccessKeySecret"].map((name) =>
      String(Object.entries(AccessKey ?? {}).find(([each]) => each === name)?.[1]),
    );
    const ann = cloud.clientOf({ accessKeyId, accessKeySecret });
    const list = () => refusalOf(ann.call("Kms", "ListKeys"));
    expect(await list()).toBe("403 Forbidden.NoPermission");
    await cloud.root.call("Ram", "AttachPolicyToUser", { UserName: "ann", ...policy });
    expect(await list()).toBe("not refused");
    expect(await cloud.root.call("Ram", "ListPoliciesForUser", { UserName: "ann" })).toMatchObject({ Policies: { Policy: [policy] } });
    expect(await refusalOf(ann.call("Ram", "ListUsers"))).toBe("403 NoPermission");
    expect(await ann.call("Sts", "GetCallerIdentity")).toMatchObject({
      IdentityType: "RAMUser",
      Arn: expect.stringMatching(/:user\/ann$/),
    });
    await cloud.root.call("Ram", "DetachPolicyFromUser", { UserName: "ann", ...policy });
    expect(await list()).toBe("403 Forbidden.NoPermission");
    expect(await refusalOf(cloud.root.call("Ram", "DeleteUser", { UserName: "ann" }))).toBe("409 DeleteConflict.User.AccessKey");
    await cloud.root.call("Ram", "DeleteAccessKey", { UserName: "ann", UserAccessKeyId: accessKeyId });
    expect(await list()).toBe("404 InvalidAccessKeyId.NotFound");
    await cloud.root.call("Ram", "DeleteUser", { UserName: "ann" });
    expect(await cloud.root.call("Ram", "ListUsers")).toMatchObject({ Users: { User: [] } });
    expect(JSON.stringify(cloud.events)).not.toContain(accessKeySecret);
  });

  it("makes roles and policies of one's own", async () => {
    await using cloud = await arrange();
    const trust = { Version: "1", Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: "cs.aliyuncs.com" } }] };
    const role = { RoleName: "AliyunCSManagedSecurityRole", AssumeRolePolicyDocument: JSON.stringify(trust) };
    expect(await refusalOf(cloud.root.call("Ram", "GetRole", role))).toBe("404 EntityNotExist.Role");
    expect(await cloud.root.call("Ram", "CreateRole", role)).toMatchObject({
      Role: { RoleName: role.RoleName, Arn: "acs:ram::1234567890123456:role/aliyuncsmanagedsecurityrole", MaxSessionDuration: 3600 },
    });
    expect(await refusalOf(cloud.root.call("Ram", "CreateRole", role))).toBe("409 EntityAlreadyExists.Role");
    const PolicyDocument = JSON.stringify({ Version: "1", Statement: [{ Effect: "Allow", Action: "kms:*", Resource: "*" }] });
    await cloud.root.call("Ram", "CreatePolicy", { PolicyName: "mine", PolicyDocument });
    const mine = { PolicyType: "Custom", PolicyName: "mine" };
    await cloud.root.call("Ram", "AttachPolicyToRole", { ...role, ...mine });
    expect(await refusalOf(cloud.root.call("Ram", "AttachPolicyToRole", { ...role, ...mine }))).toBe("409 EntityAlreadyExists.Role.Policy");
    expect(await cloud.root.call("Ram", "ListPoliciesForRole", role)).toMatchObject({ Policies: { Policy: [mine] } });
    expect(await cloud.root.call("Ram", "GetPolicy", mine)).toMatchObject({ DefaultPolicyVersion: { PolicyDocument } });
    expect(await refusalOf(cloud.root.call("Ram", "DeletePolicy", mine))).toBe("409 DeleteConflict.Policy");
    expect(await refusalOf(cloud.root.call("Ram", "DeleteRole", role))).toBe("409 DeleteConflict.Role.Policy");
    await cloud.root.call("Ram", "DetachPolicyFromRole", { ...role, ...mine });
    await cloud.root.call("Ram", "DeletePolicy", mine);
    await cloud.root.call("Ram", "DeleteRole", role);
    expect(await refusalOf(cloud.root.call("Ram", "GetRole", role))).toBe("404 EntityNotExist.Role");
  });

  it.each([
    ["CreateUser", {}, "400 MissingParameter"],
    ["CreateUser", { UserName: "a b" }, "400 InvalidParameter.UserName"],
    ["CreateRole", { RoleName: "r", AssumeRolePolicyDocument: "{}" }, "400 MalformedPolicyDocument"],
    ["CreatePolicy", { PolicyName: "p", PolicyDocument: "{}" }, "400 MalformedPolicyDocument"],
    ["CreatePolicy", { PolicyName: "AdministratorAccess", PolicyDocument: "{}" }, "409 EntityAlreadyExists.Policy"],
    ["AttachPolicyToUser", { UserName: "none", ...policy }, "404 EntityNotExist.User"],
    ["GetPolicy", { PolicyName: "none", PolicyType: "System" }, "404 EntityNotExist.Policy"],
    ["GetPolicy", { PolicyName: "none", PolicyType: "Mine" }, "400 InvalidParameter.PolicyType"],
  ])("%s with %j: %s", async (operation, words, expected) => {
    await using cloud = await arrange();
    expect(await refusalOf(cloud.root.call("Ram", operation, words))).toBe(expected);
  });
});
