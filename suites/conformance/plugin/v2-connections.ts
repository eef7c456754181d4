import { type Check, Findings } from "../check.ts";
import { addStillWorks, attempt } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-connections",
  title: "200 connections can be opened and closed, and the plugin goes on working.",
  level: "MUST",
  invariants: [],
  source: "every API server that starts opens one; a plugin serves all of them for months",
  needs: ["kms-v2"],
  remedy: "Close what a client has left, and set no limit on connections below some hundreds.",
  async run(subject) {
    const findings = new Findings();
    let answered = 0;
    for (let batch = 0; batch < 10 && answered === batch * 20; batch++) {
      const results = await Promise.all(
        Array.from({ length: 20 }, async () => {
          using other = subject.connectV2();
          return await attempt(other.status(), subject);
        }),
      );
      answered += results.filter(({ isAnswered }) => isAnswered).length;
    }
    findings.add(answered === 200, { sent: "Status over 200 connections, 20 at a time", received: `${answered} answers`, expected: "200" });
    await addStillWorks(subject, findings);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
