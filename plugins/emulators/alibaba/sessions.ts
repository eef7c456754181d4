import { z } from "zod";
import { newAccessKeySecret, newSecurityToken, newSessionKeyId } from "./ids.ts";
import { type Policy, parsePolicy } from "./policy.ts";
import type { Role } from "./ram-store.ts";
import { CloudError } from "./service.ts";

const sessionSchema = z.strictObject({
  accessKeyId: z.string(),
  accessKeySecret: z.string(),
  securityToken: z.string(),
  expirationMs: z.number(),
  createdMs: z.number(),
  roleId: z.string(),
  roleName: z.string(),
  sessionName: z.string(),
  /** The session policy, which narrows what the role may do. */
  policy: z.string().optional(),
});

export const sessionsStateSchema = z.array(sessionSchema);
export type Session = z.infer<typeof sessionSchema>;

/** How long an expired session is remembered, so that its user is told that it expired and not that it never was. */
const rememberedMs = 24 * 3_600_000;

/** The assumed-role sessions that STS has given out. */
export class SessionStore {
  readonly #sessions = new Map<string, Session>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * @param policy - the session policy's text.
   * @throws CloudError where one of them cannot be (spec alibaba-cloud 2.1).
   */
  open(role: Role, sessionName: string, durationSeconds = 3600, policy?: string): Session {
    if (!/^[A-Za-z0-9.@_-]{2,64}$/.test(sessionName)) {
      throw new CloudError(400, "InvalidParameter.RoleSessionName", "The parameter RoleSessionName is wrongly formed.");
    }
    if (!Number.isInteger(durationSeconds) || durationSeconds < 900 || durationSeconds > role.maxSessionSeconds) {
      const range = `900 to ${role.maxSessionSeconds}`;
      throw new CloudError(400, "InvalidParameter.DurationSeconds", `The Min/Max value of DurationSeconds is ${range} seconds.`);
    }
    if (policy !== undefined && policy.length > 2048) {
      throw new CloudError(400, "InvalidParameter.PolicySize", "The size of the policy must be smaller than 2048 characters.");
    }
    if (policy !== undefined && parsePolicy(policy) === undefined) {
      throw new CloudError(400, "InvalidParameter.PolicyGrammar", "The parameter Policy has not passed grammar check.");
    }
    const nowMs = this.#now();
    for (const { accessKeyId, expirationMs } of this.#sessions.values()) {
      if (expirationMs + rememberedMs < nowMs) this.#sessions.delete(accessKeyId);
    }
    const session: Session = {
      accessKeyId: newSessionKeyId(),
      accessKeySecret: newAccessKeySecret(),
      securityToken: newSecurityToken(),
      createdMs: nowMs,
      // Answers say it in whole seconds.
      expirationMs: Math.floor(nowMs / 1000 + durationSeconds) * 1000,
      roleId: role.id,
      roleName: role.name.toLowerCase(),
      sessionName,
      ...(policy === undefined ? {} : { policy }),
    };
    this.#sessions.set(session.accessKeyId, session);
    return session;
  }

  find(accessKeyId: string): Session | undefined {
    return this.#sessions.get(accessKeyId);
  }

  hasToken(securityToken: string): boolean {
    return [...this.#sessions.values()].some((session) => session.securityToken === securityToken);
  }

  policyOf({ policy }: Session): Policy | undefined {
    return policy === undefined ? undefined : parsePolicy(policy);
  }

  /** For tests: the sessions that are open end now. */
  expireAll(): void {
    const nowMs = this.#now();
    for (const session of this.#sessions.values()) session.expirationMs = Math.min(session.expirationMs, nowMs);
  }

  save(): readonly Session[] {
    return [...this.#sessions.values()];
  }

  load(sessions: readonly Session[]): void {
    for (const session of sessions) this.#sessions.set(session.accessKeyId, session);
  }
}
