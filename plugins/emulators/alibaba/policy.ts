import { BlockList, isIP } from "node:net";
import { z } from "zod";

/** One value or several, as the policy language has it everywhere. */
const several = z.union([z.string(), z.array(z.string())]).transform((given) => (typeof given === "string" ? [given] : given));

const conditionValue = z
  .union([z.string(), z.number(), z.boolean(), z.array(z.union([z.string(), z.number(), z.boolean()]))])
  .transform((given) => (Array.isArray(given) ? given : [given]).map(String));

const operators = {
  StringEquals: (actual, wanted) => actual === wanted,
  StringEqualsIgnoreCase: (actual, wanted) => actual.toLowerCase() === wanted.toLowerCase(),
  StringLike: (actual, wanted) => matchesWildcards(wanted, actual),
  NumericEquals: (actual, wanted) => Number(actual) === Number(wanted),
  NumericLessThan: (actual, wanted) => Number(actual) < Number(wanted),
  NumericLessThanEquals: (actual, wanted) => Number(actual) <= Number(wanted),
  NumericGreaterThan: (actual, wanted) => Number(actual) > Number(wanted),
  NumericGreaterThanEquals: (actual, wanted) => Number(actual) >= Number(wanted),
  DateEquals: (actual, wanted) => Date.parse(actual) === Date.parse(wanted),
  DateLessThan: (actual, wanted) => Date.parse(actual) < Date.parse(wanted),
  DateLessThanEquals: (actual, wanted) => Date.parse(actual) <= Date.parse(wanted),
  DateGreaterThan: (actual, wanted) => Date.parse(actual) > Date.parse(wanted),
  DateGreaterThanEquals: (actual, wanted) => Date.parse(actual) >= Date.parse(wanted),
  Bool: (actual, wanted) => actual.toLowerCase() === wanted.toLowerCase(),
  IpAddress: isAddressWithin,
} as const satisfies Record<string, (actual: string, wanted: string) => boolean>;

/** `StringNotEquals` is the negation of `StringEquals`, and so on. */
const negations: Readonly<Record<string, keyof typeof operators>> = {
  StringNotEquals: "StringEquals",
  StringNotEqualsIgnoreCase: "StringEqualsIgnoreCase",
  StringNotLike: "StringLike",
  NumericNotEquals: "NumericEquals",
  DateNotEquals: "DateEquals",
  NotIpAddress: "IpAddress",
};

const operatorSchema = z.string().refine((name) => name in operators || name in negations, "no condition operator of RAM");
const conditionSchema = z.record(operatorSchema, z.record(z.string(), conditionValue));

const identityStatement = z
  .strictObject({
    Sid: z.string().optional(),
    Effect: z.enum(["Allow", "Deny"]),
    Action: several.optional(),
    NotAction: several.optional(),
    Resource: several.optional(),
    NotResource: several.optional(),
    Condition: conditionSchema.optional(),
  })
  .refine(({ Action, NotAction }) => (Action === undefined) !== (NotAction === undefined), "it needs one of Action and NotAction")
  .refine(({ Resource, NotResource }) => (Resource === undefined) !== (NotResource === undefined), "it needs one of Resource, NotResource");

const trustStatement = z.strictObject({
  Sid: z.string().optional(),
  Effect: z.enum(["Allow", "Deny"]),
  Action: several,
  Principal: z.strictObject({ RAM: several.optional(), Service: several.optional(), Federated: several.optional() }),
  Condition: conditionSchema.optional(),
});

const policySchema = z.strictObject({ Version: z.literal("1"), Statement: z.array(identityStatement).min(1) });
const trustSchema = z.strictObject({ Version: z.literal("1"), Statement: z.array(trustStatement).min(1) });

/** A policy that grants or denies (spec alibaba-cloud 2.2). */
export type Policy = z.infer<typeof policySchema>;
/** A role's trust policy: who may assume it. */
export type TrustPolicy = z.infer<typeof trustSchema>;

/** What conditions are compared with: `acs:SourceIp`, `acs:CurrentTime`, `kms:tag/<key>`, … */
export type ConditionKeys = ReadonlyMap<string, string>;

/** Undefined where the text is no such policy. */
export function parsePolicy(text: string): Policy | undefined {
  return parseAs(policySchema, text);
}

/** Undefined where the text is no such policy. */
export function parseTrustPolicy(text: string): TrustPolicy | undefined {
  return parseAs(trustSchema, text);
}

function parseAs<Schema extends z.ZodType>(schema: Schema, text: string): z.infer<Schema> | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  return schema.safeParse(json).data;
}

/** What a set of policies says: an explicit Deny is stronger than any Allow, and what nothing allows is denied. */
export function isAllowed(policies: readonly Policy[], action: string, resource: string, keys: ConditionKeys): boolean {
  const matching = policies.flatMap(({ Statement }) =>
    Statement.filter(
      ({ Action, NotAction, Resource, NotResource, Condition = {} }) =>
        (Action === undefined ? !matchesAction(NotAction, action) : matchesAction(Action, action)) &&
        (Resource === undefined ? !matchesResource(NotResource, resource) : matchesResource(Resource, resource)) &&
        holds(Condition, keys),
    ),
  );
  return isGranted(matching);
}

/** Who wants to assume a role: the ARNs by which a RAM identity may be named, a service or an identity provider. */
export type Principal =
  | { readonly kind: "RAM"; readonly arns: readonly string[] }
  | { readonly kind: "Service"; readonly name: string }
  | { readonly kind: "Federated"; readonly arn: string };

/** Whether a role's trust policy lets the principal assume it. */
export function isTrusted({ Statement }: TrustPolicy, principal: Principal, action: string, keys: ConditionKeys): boolean {
  const names = principal.kind === "RAM" ? principal.arns : [principal.kind === "Service" ? principal.name : principal.arn];
  return isGranted(
    Statement.filter(
      ({ Action, Principal, Condition = {} }) =>
        matchesAction(Action, action) &&
        names.some((name) => Principal[principal.kind]?.some((each) => each.toLowerCase() === name.toLowerCase())) &&
        holds(Condition, keys),
    ),
  );
}

function isGranted(matching: readonly { readonly Effect: "Allow" | "Deny" }[]): boolean {
  return matching.length > 0 && matching.every(({ Effect }) => Effect === "Allow");
}

/** Several operators and keys must all hold; of several values of one key, one is enough, of a negated one none may fit. */
function holds(condition: z.infer<typeof conditionSchema>, keys: ConditionKeys): boolean {
  return Object.entries(condition).every(([name, block]) =>
    Object.entries(block).every(([key, wanted]) => {
      const actual = keys.get(key);
      const negated = negations[name];
      // Of a key that the call does not have, only "not equal" is true. Our guess: the documents do not say.
      if (actual === undefined) return negated !== undefined;
      const compare = Object.entries(operators).find(([operator]) => operator === (negated ?? name))?.[1];
      const isOneOf = compare !== undefined && wanted.some((value) => compare(actual, value));
      return negated === undefined ? isOneOf : !isOneOf;
    }),
  );
}

function isAddressWithin(actual: string, wanted: string): boolean {
  const [network = "", prefix] = wanted.split("/", 2);
  const family = isIP(network);
  if (family === 0 || isIP(actual) !== family) return false;
  const bits = prefix === undefined ? (family === 4 ? 32 : 128) : Number(prefix);
  if (!Number.isInteger(bits) || bits < 0 || bits > (family === 4 ? 32 : 128)) return false;
  const type = family === 4 ? "ipv4" : "ipv6";
  const list = new BlockList();
  list.addSubnet(network, bits, type);
  return list.check(actual, type);
}

/** Names of RAM's own resources are the same in either case, so a Deny may not be evaded by writing one otherwise. */
function matchesResource(patterns: readonly string[] | undefined, resource: string): boolean {
  const fold = (text: string) => (resource.startsWith("acs:ram:") ? text.toLowerCase() : text);
  return patterns?.some((pattern) => matchesWildcards(fold(pattern), fold(resource))) ?? false;
}

/** Names of actions are compared without regard to case. */
function matchesAction(patterns: readonly string[] | undefined, action: string): boolean {
  return patterns?.some((pattern) => matchesWildcards(pattern.toLowerCase(), action.toLowerCase())) ?? false;
}

/** `*` stands for any characters, `?` for one. Takes time of at most the product of the lengths, whatever the pattern. */
export function matchesWildcards(pattern: string, text: string): boolean {
  let at = 0;
  let from = 0;
  let star = -1;
  let starFrom = 0;
  while (from < text.length) {
    if (at < pattern.length && pattern[at] === "*") {
      star = at++;
      starFrom = from;
    } else if (at < pattern.length && (pattern[at] === "?" || pattern[at] === text[from])) {
      at++;
      from++;
    } else if (star >= 0) {
      at = star + 1;
      from = ++starFrom;
    } else return false;
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}
