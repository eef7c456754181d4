import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { systemClock as clock } from "../../harness/clock.ts";
import { Random } from "../../harness/random.ts";
import type { Defect } from "../../plugins/testing/defect.ts";
import { startDefectivePlugin } from "../../plugins/testing/defective-plugin.ts";
import { openPlugin } from "../../suites/conformance/plugin-subject.ts";
import { check } from "./v2-encrypt-overhead.ts";

const defects: readonly Defect[] = [
  {
    id: "no-tag",
    does: "A ciphertext has no nonce and no tag.",
    caughtBy: ["plugin/v2-encrypt-overhead"],
    spoil(plugin) {
      plugin.seal = (plaintext) => plaintext.map((byte) => byte ^ 0x5a);
    },
  },
];

async function verdictOf(spoilt: readonly Defect[]): Promise<string> {
  await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-example-"));
  const socket = join(folder.path, "kms.sock");
  await using _plugin = await startDefectivePlugin({ socket, defects: spoilt });
  const { signal } = new AbortController();
  using subject = await openPlugin({
    socket,
    versions: ["v2"],
    clock,
    random: new Random("example"),
    signal,
    rotate: undefined,
    restart: undefined,
  });
  return (await check.run(subject)).verdict;
}

it("passes a plugin that does everything right, and fails one without nonce and tag", async () => {
  expect(await verdictOf([])).toBe("pass");
  expect(await verdictOf(defects)).toBe("fail");
});
