import { type ConditionKeys, isAllowed, type Policy } from "./policy.ts";
import type { RamStore } from "./ram-store.ts";
import type { Caller } from "./service.ts";
import type { SessionStore } from "./sessions.ts";

/**
 * Whether the caller's policies allow the action on the resource. The account root may do all; a session may do what both its role's policies
 * and its session policy allow (spec alibaba-cloud 2.2).
 */
export function mayDo(
  caller: Caller,
  { ram, sessions }: { readonly ram: RamStore; readonly sessions: SessionStore },
  action: string,
  resource: string,
  keys: ConditionKeys,
): boolean {
  const allows = (policies: readonly Policy[]) => isAllowed(policies, action, resource, keys);
  switch (caller.type) {
    case "root-account":
      return true;
    case "anonymous":
      return false;
    case "ram-user":
      return allows(ram.policiesOf(ram.user(caller.userName)));
    case "assumed-role": {
      const role = ram.findRole(caller.roleName);
      const session = sessions.find(caller.accessKeyId);
      // A role that was deleted and made again is another role.
      if (role?.id !== caller.roleId || session === undefined) return false;
      const sessionPolicy = sessions.policyOf(session);
      return allows(ram.policiesOf(role)) && (sessionPolicy === undefined || allows([sessionPolicy]));
    }
  }
}

/** What conditions of any policy can ask of a call. */
export function commonConditionKeys(sourceAddress: string, nowMs: number): ConditionKeys {
  return new Map([
    ["acs:SourceIp", sourceAddress],
    ["acs:CurrentTime", utcSeconds(nowMs)],
    // This cloud speaks plain HTTP on loopback.
    ["acs:SecureTransport", "false"],
    ["acs:MFAPresent", "false"],
  ]);
}

/** `2026-01-01T00:00:00Z` */
export function utcSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
