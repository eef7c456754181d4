import { Agent, request } from "undici";
import { type Check, Findings } from "../check.ts";
import type { SecuritySubject } from "../security-subject.ts";

export const check = {
  id: "security/api-authenticated",
  title: "Nobody reads Secrets without saying who they are.",
  level: "MUST",
  invariants: [],
  source: "https://kubernetes.io/docs/reference/access-authn-authz/authentication/#anonymous-requests",
  needs: [],
  remedy: "Set --authorization-mode=Node,RBAC, and give system:anonymous no role that reads Secrets.",
  async run({ doors: { apiServer }, signal }) {
    await using held = new AsyncDisposableStack();
    const agent = held.adopt(new Agent({ connect: { ca: apiServer.caPem ?? "" } }), (each) => each.destroy());
    const findings = new Findings();
    for (const [who, headers] of [
      ["nobody", {}],
      ["a wrong token", { authorization: "Bearer none" }],
    ] as const) {
      const { statusCode, body } = await request(`${apiServer.url}/api/v1/secrets`, { dispatcher: agent, headers, signal });
      await body.dump();
      findings.add(statusCode === 401 || statusCode === 403, {
        sent: `a list of all Secrets by ${who}`,
        received: `HTTP ${statusCode}`,
        expected: "HTTP 401 or 403",
      });
    }
    return findings.outcome();
  },
} satisfies Check<SecuritySubject>;
