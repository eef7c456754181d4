const allow = (Action: readonly string[] | string, Resource: readonly string[] | string = "*") =>
  JSON.stringify({ Version: "1", Statement: [{ Effect: "Allow", Action, Resource }] });

/**
 * The system policies that this cloud knows, by name (spec alibaba-cloud 2.3). The four with KMS and STS in their names say what those of the
 * documents say, but for the ECS-named tag actions of AliyunKMSCryptoAdminAccess; the others are as wide as their names.
 */
export const systemPolicies: Readonly<Record<string, string>> = {
  AdministratorAccess: allow("*"),
  AliyunKMSCryptoAdminAccess: allow("kms:*", ["acs:kms:*:*:key*", "acs:kms:*:*:alias*"]),
  AliyunKMSCryptoUserAccess: allow([
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:Asymmetric*",
    "kms:GetPublicKey",
    "kms:GenerateMac",
    "kms:VerifyMac",
  ]),
  AliyunCSManagedSecurityRolePolicy: allow([
    "kms:GetSecretValue",
    "kms:ListSecrets",
    "kms:ListKeys",
    "kms:ListSecretVersionIds",
    "kms:ListAliasesByKeyId",
    "kms:SetDeletionProtection",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:Decrypt",
  ]),
  AliyunSTSAssumeRoleAccess: allow("sts:AssumeRole"),
  AliyunRAMFullAccess: allow("ram:*"),
  AliyunActionTrailReadOnlyAccess: allow(["actiontrail:LookupEvents", "actiontrail:Get*", "actiontrail:Describe*", "actiontrail:List*"]),
  AliyunCSFullAccess: allow("cs:*"),
};
