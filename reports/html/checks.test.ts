import { expect, it } from "vitest";
import { readRun } from "../../harness/run/read-run.ts";
import { filterStyle } from "./check-signs.ts";
import { checkSections } from "./checks.ts";
import { comparedCheckSections } from "./compared-checks.ts";

const conform = await readRun("reports/fixtures/conform");
const textOf = (sections: ReturnType<typeof checkSections>) => sections.flatMap(({ parts }) => parts.map(String)).join("\n");
const page = textOf(checkSections(conform));

it("has a sign for each check, which leads to its evidence", () => {
  const links = [...page.matchAll(/<a class="sign \w+" href="#([^"]+)"/g)].map(([, to]) => to);
  expect(new Set(links).size).toBe(conform.checks.length);
  expect(links.filter((to) => !page.includes(`<p class="quiet" id="${to}">`))).toEqual([]);
});

it("shows the checks of a plugin apart by version of KMS", () => {
  expect([...page.matchAll(/<h3>([^<]+)<\/h3>/g)].map(([, name]) => name)).toEqual(["plugin, KMS v2", "plugin, KMS v1", "apiserver"]);
});

it("tells verdicts apart by shape, and says them to who does not see it", () => {
  expect(page).toContain('<span aria-hidden="true">✗</span><span class="away">FAIL: plugin/v2-status-keyid-limit (MUST)</span>');
  expect(page).toContain('<span aria-hidden="true">?</span><span class="away">not judged: plugin/v2-latency-margin (SHOULD)</span>');
});

it("counts what each choice of the filter shows, and knows rules for all of them", () => {
  const choices = [...page.matchAll(/id="only-([\w-]+)"[^>]*> ([^<]+) <span class="quiet">(\d+)</g)].map(([, ...parts]) => parts);
  expect(choices.map(([, word, count]) => `${word} ${count}`)).toEqual([
    "all 23",
    "pass 5",
    "FAIL 4",
    "n/a 7",
    "skipped 3",
    "not judged 4",
  ]);
  for (const [value] of choices.slice(1)) {
    expect(filterStyle).toContain(`#only-${value}:checked`);
    expect(page).toContain(`data-filter="${value}"`);
  }
});

it("needs no overview of a few checks", () => {
  const few = checkSections({ ...conform, checks: conform.checks.slice(0, 3) });
  expect(few.map(({ id }) => id)).toEqual(["checks-plugin"]);
});

it("puts the checks of two runs side by side, what changed first, and filters it", () => {
  const check = { area: "plugin", level: "MUST", title: "It holds." } as const;
  const [pass, fail] = [
    { verdict: "pass", told: null },
    { verdict: "fail", told: "a key_id of 1025 bytes" },
  ] as const;
  const text = textOf(
    comparedCheckSections({
      checks: [
        { ...check, id: "plugin/a", base: pass, other: pass },
        { ...check, id: "plugin/b", base: pass, other: fail },
        { ...check, id: "plugin/c", base: fail, other: null },
      ],
    }),
  );
  const rows = [...text.matchAll(/data-filter="(\w+)"><td class="verdict \w+">([^<]+)<.*?<code>([^<]+)</gs)].map(([, ...parts]) =>
    parts.join(" "),
  );
  expect(rows).toEqual(["changed worse plugin/b", "same same plugin/a", "same in one only plugin/c"]);
  expect(text).toContain('id="only-changed"> what changed <span class="quiet">1</span>');
  expect(filterStyle).toContain("#only-changed:checked");
});
