import { defineCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { findInstances, removeInstance } from "../instance.ts";
import { sweepLeases } from "../lease.ts";
import { removeContainer } from "../target/install/index.ts";

export const command = defineCommand({
  usage: "down",
  summary: "Ends what `up` left running and removes all that it wrote, and what killed runs left behind.",
  examples: [
    { line: "kmsmark down", does: "ends the control plane that `kmsmark up` started" },
    { line: "kmsmark down --name old", does: "ends another one" },
  ],
  options: (yargs) =>
    yargs
      .option("name", { type: "string", default: "default", describe: "Of the control plane" })
      .option("json", { type: "boolean", default: false, describe: "Answer in JSON" }),
  async run({ name, json }, { stdout }) {
    const instances = findInstances(name, removeContainer);
    if (instances.some(({ lease }) => !lease.isLeftRunning)) {
      throw new UsageError("instance-starting", `A kmsmark that runs is starting "${name}" now.`, {
        hint: "Interrupt it, or wait for it.",
      });
    }
    for (const instance of instances) await removeInstance(instance);
    const swept = await sweepLeases(removeContainer);
    if (json) {
      stdout.write(`${JSON.stringify({ name, ended: instances.length, swept })}\n`);
      return 0;
    }
    stdout.write(instances.length === 0 ? `"${name}" is not up.\n` : `"${name}" is down, and nothing of it is left.\n`);
    if (swept > 0) stdout.write(`Removed what ${swept === 1 ? "a killed run" : `${swept} killed runs`} left behind.\n`);
    return 0;
  },
});
