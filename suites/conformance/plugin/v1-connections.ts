import { type Check, Findings } from "../check.ts";
import { attempt } from "../plugin-calls.ts";
import { addStillWorksV1 } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-connections",
  title: "200 connections can be opened and closed, and the plugin goes on working.",
  level: "MUST",
  invariants: [],
  source: "every API server that starts opens one; a plugin serves all of them for months",
  needs: ["kms-v1"],
  remedy: "Close what a client has left, and set no limit on connections below some hundreds.",
  async run(subject) {
    const findings = new Findings();
    let answered = 0;
    for (let batch = 0; batch < 10 && answered === batch * 20; batch++) {
      const results = await Promise.all(
        Array.from({ length: 20 }, async () => {
          using other = subject.connectV1();
          return await attempt(other.version(), subject);
        }),
      );
      answered += results.filter(({ isAnswered }) => isAnswered).length;
    }
    findings.add(answered === 200, {
      sent: "Version over 200 connections, 20 at a time",
      received: `${answered} answers`,
      expected: "200",
    });
    await addStillWorksV1(subject, findings);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
