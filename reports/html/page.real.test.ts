import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import { parse } from "csv-parse/sync";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { comparisonSchema } from "../../harness/run/comparison.ts";
import { readRun } from "../../harness/run/read-run.ts";
import { describeReal, findChromium } from "../../harness/target/real-test.ts";
import { comparisonHtml } from "../comparison-html.ts";
import { html } from "../html.ts";
import { withTimelines } from "./with-timelines.ts";

/** The pages of the fixtures, by name: one of each kind of run, with the cut-off, the model's and the compared ones. */
async function fixturePages(): Promise<Map<string, string>> {
  const pages = new Map<string, string>();
  for (const theme of await readdir("reports/fixtures")) {
    const folder = join("reports/fixtures", theme);
    if (theme === "comparison") {
      const comparison = comparisonSchema.parse(JSON.parse(await readFile(join(folder, "comparison.json"), "utf8")));
      pages.set(theme, await comparisonHtml.render(comparison));
    } else {
      pages.set(theme, await html.render(withTimelines(await readRun(folder))));
    }
  }
  return pages;
}

const sizes = [
  { width: 1280, height: 900 },
  { width: 390, height: 844 },
] as const;

const violationsSchema = z.array(
  z.object({ id: z.string(), nodes: z.array(z.object({ html: z.string(), failureSummary: z.string().optional() })) }),
);

/** What axe-core finds, in words; `rules` for some of them alone. */
async function violations(page: Page, rules?: readonly string[]): Promise<string[]> {
  const runOnly =
    rules === undefined
      ? { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }
      : { type: "rule", values: rules };
  await page.evaluate(axe.source);
  const call = `axe.run(${JSON.stringify({ runOnly, resultTypes: ["violations"] })}).then(({ violations }) => violations)`;
  const found = violationsSchema.parse(await page.evaluate(call));
  return found.map(
    ({ id, nodes }) =>
      `${id}: ${nodes
        .slice(0, 3)
        .map((node) => `${node.html.slice(0, 200)} ${node.failureSummary ?? ""}`)
        .join(" | ")}`,
  );
}

await describeReal("chromium", "a page in Chromium", () => {
  let browser: Browser;
  let folder: string;
  let pages: Map<string, string>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "kmsmark-pages-"));
    pages = await fixturePages();
    for (const [name, text] of pages) await writeFile(join(folder, `${name}.html`), text);
    browser = await chromium.launch({ executablePath: (await findChromium()) ?? "" });
  });

  afterAll(async () => {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  });

  const addressOf = (name: string) => pathToFileURL(join(folder, `${name}.html`)).href;

  /** A page of a fixture, and what it said and asked for since it was opened. */
  async function open(context: BrowserContext, name: string): Promise<{ page: Page; said: string[]; asked: string[] }> {
    const page = await context.newPage();
    const said: string[] = [];
    const asked: string[] = [];
    page.on("console", (message) => said.push(message.text()));
    page.on("pageerror", (error) => said.push(error.message));
    page.on("request", (request) => asked.push(request.url()));
    await page.goto(addressOf(name));
    return { page, said, asked };
  }

  it("says nothing on the console, asks nobody for anything, is nowhere cut off and open to everybody, wide and narrow, light and dark", async () => {
    await using context = await browser.newContext({ viewport: sizes[0], colorScheme: "light" });
    expect(pages.size).toBeGreaterThanOrEqual(10);
    for (const name of pages.keys()) {
      const { page, said, asked } = await open(context, name);
      await page.evaluate(
        `for (const details of document.querySelectorAll("details:not([open])")) { details.open = true; details.dataset.opened = ""; }`,
      );
      for (const size of sizes.toReversed()) {
        await page.setViewportSize(size);
        expect(await tooWide(page), `${name} at ${size.width}`).toEqual([]);
      }
      // Thousands of cells of one style, and what is drawn, whose colours have a test of their own, would take all of the time.
      await page.evaluate(`for (const element of document.querySelectorAll(".data tbody tr + tr, svg.plot > *")) element.remove()`);
      await page.evaluate(`for (const details of document.querySelectorAll("details[data-opened]")) details.open = false`);
      expect(await violations(page), `${name}, light`).toEqual([]);
      await page.emulateMedia({ colorScheme: "dark" });
      expect(await violations(page, ["color-contrast"]), `${name}, dark`).toEqual([]);
      expect(said, name).toEqual([]);
      expect(asked, name).toEqual([addressOf(name)]);
      await page.close();
    }
  });

  it("has text in 4.5:1 and lines in 3:1, in light and in dark", async () => {
    await using context = await browser.newContext({ viewport: sizes[0] });
    const { page } = await open(context, "complete");
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      const colors = z.record(z.string(), z.tuple([z.number(), z.number(), z.number()])).parse(await page.evaluate(readColors));
      const ground = luminance(colors["page"] ?? [0, 0, 0]);
      const weak = Object.entries(colors).flatMap(([name, color]) => {
        const ratio = contrast(luminance(color), ground);
        return ratio < (name === "heavy" ? 3 : 4.5) && name !== "page" ? [`${name}: ${ratio.toFixed(2)}`] : [];
      });
      expect(weak, colorScheme).toEqual([]);
    }
  });

  it("shows the values of a chart by arrow keys and under the pointer, and hides a series by a click", async () => {
    await using context = await browser.newContext({ viewport: sizes[0], reducedMotion: "reduce" });
    const { page, said } = await open(context, "complete");
    const figure = page.locator("#curve-g2-write");
    const plots = figure.locator(".plots");
    const tip = figure.locator(".tip");
    await plots.focus();
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => tip.textContent()).toMatch(/^identity p0: /);
    await page.keyboard.press("ArrowRight");
    expect(await tip.textContent()).toMatch(/^identity p30: /);
    await page.keyboard.press("ArrowDown");
    expect(await tip.textContent()).toMatch(/^kms-v2 p30: /);
    await page.keyboard.press("End");
    expect(await tip.textContent()).toMatch(/^kms-v2 p99\.\d+: [\d.]+ ms$/);
    await page.keyboard.press("Escape");
    expect(await tip.textContent()).toBe("");

    await figure.getByRole("button", { name: "identity" }).click();
    expect(await figure.locator("svg.plot .s0").first().isVisible()).toBe(false);
    expect(await figure.locator("svg.plot .s1").first().isVisible()).toBe(true);
    await plots.focus();
    await page.keyboard.press("ArrowRight");
    expect(await tip.textContent()).toMatch(/^kms-v2 /);
    await figure.getByRole("button", { name: "identity" }).click();
    expect(await figure.locator("svg.plot .s0").first().isVisible()).toBe(true);

    const mark = await figure.locator("svg.plot path.s2, svg.plot .s2 path").last().boundingBox();
    if (mark === null) throw new Error("The third series has no mark.");
    await page.mouse.move(mark.x + mark.width / 2, mark.y + mark.height / 2);
    expect(await tip.textContent()).toMatch(/^kms-v1 p/);
    expect(said).toEqual([]);
  });

  it("gives the data of every chart as CSV", async () => {
    await using context = await browser.newContext({ viewport: sizes[0], acceptDownloads: true });
    const { page } = await open(context, "complete");
    const figure = page.locator("#curve-g2-write");
    const [download] = await Promise.all([page.waitForEvent("download"), figure.locator("a.csv").click()]);
    expect(download.suggestedFilename()).toBe("curve-g2-write.csv");
    const [head, ...rows]: string[][] = parse(await readFile(await download.path(), "utf8"));
    expect(head).toEqual(["percentile", "identity latency_ns", "kms-v2 latency_ns", "kms-v1 latency_ns"]);
    expect(rows.length).toBeGreaterThan(15);
    const median = rows.find(([percentile]) => percentile === "50");
    const complete = await readRun("reports/fixtures/complete");
    const write = (provider: string) =>
      complete.cells.find((cell) => cell.provider === provider && cell.secrets === 500)?.phases.find(({ name }) => name === "write")
        ?.latency?.p50;
    expect(median).toEqual(["50", ...["identity", "kms-v2", "kms-v1"].map((provider) => String(write(provider)))]);
    const charts = await page.locator("figure.chart").count();
    expect(charts).toBeGreaterThan(10);
    expect(await page.locator("figure.chart a.csv[download][href^='data:text/csv']").count()).toBe(charts);
  });

  it("lacks nothing without JavaScript", async () => {
    await using context = await browser.newContext({ viewport: sizes[1], javaScriptEnabled: false });
    const { page, said } = await open(context, "complete");
    expect(await page.getByRole("heading", { level: 1 }).isVisible()).toBe(true);
    const figure = page.locator("#curve-g2-write");
    expect(await figure.locator("svg.plot").isVisible()).toBe(true);
    expect(await figure.locator(".legend").textContent()).toBe("identitykms-v2kms-v1");
    expect(await figure.locator("table").isVisible()).toBe(false);
    await figure.locator("summary").click();
    expect(await figure.locator("table").isVisible()).toBe(true);
    expect(await page.locator("button").count()).toBe(0);
    expect(said).toEqual([]);
  });

  it("shows the checks of one verdict alone, and leads to the evidence of each, without JavaScript and by keyboard", async () => {
    await using context = await browser.newContext({ viewport: sizes[0], javaScriptEnabled: false });
    const { page } = await open(context, "conform");
    const rows = page.locator("tr[data-filter]:visible");
    expect(await rows.count()).toBe(23);
    await page.locator("#only-all").press("ArrowRight");
    expect(await rows.count()).toBe(5);
    await page.getByLabel("skipped").check();
    expect(await rows.evaluateAll((shown) => shown.map((row) => row.getAttribute("data-filter")))).toEqual(Array(3).fill("skipped"));
    await page.locator("#only-all").check();
    const evidence = page.locator("#check-plugin-v2-status-healthz");
    expect(await evidence.isVisible()).toBe(false);
    await page.locator('a[href="#check-plugin-v2-status-healthz"]').press("Enter");
    await evidence.waitFor({ state: "visible" });
  });

  it("is dark on light on paper, with everything unfolded", async () => {
    await using context = await browser.newContext({ viewport: sizes[0], colorScheme: "dark" });
    const { page } = await open(context, "conform");
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    expect(await page.evaluate(`getComputedStyle(document.body).backgroundColor`)).toBe("rgb(255, 255, 255)");
    const hidden = `[...document.querySelectorAll("details")].filter((each) => [...each.children].some((child) => !child.checkVisibility())).length`;
    expect(await page.locator("details").count()).toBeGreaterThan(10);
    expect(await page.evaluate(hidden)).toBe(0);
  });
});

/** What stands out of the page to the right, unless it lies in a region that scrolls. */
async function tooWide(page: Page): Promise<string[]> {
  const found = await page.evaluate(`(() => {
    const width = document.documentElement.clientWidth;
    const out = [...document.body.querySelectorAll("*")].filter((element) =>
      element.closest(".scroll, .away, svg") === null && element.getBoundingClientRect().right > width + 1);
    return [
      ...(document.documentElement.scrollWidth > width ? ["the page scrolls to the side"] : []),
      ...out.map((element) => element.outerHTML.slice(0, 120)),
    ];
  })()`);
  return z.array(z.string()).parse(found);
}

/** The colours of the style as they are here, 0 to 255; grounds and the lines of grids are not for reading. */
const readColors = `(() => {
  const names = ["page", "ink", "quiet", "heavy", "accent", "fault", "advice", "good", "grey", "blue", "vermilion", "green", "amber", "purple", "teal", "rose"];
  const probe = document.body.appendChild(document.createElement("i"));
  return Object.fromEntries(names.map((name) => {
    probe.style.color = "var(--" + name + ")";
    return [name, getComputedStyle(probe).color.match(/[\\d.]+/g).slice(0, 3).map(Number)];
  }));
})()`;

/** Of WCAG 2.2, "relative luminance". */
function luminance([red, green, blue]: readonly [number, number, number]): number {
  const [r = 0, g = 0, b = 0] = [red, green, blue].map((part) =>
    part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Of WCAG 2.2, "contrast ratio". */
function contrast(one: number, other: number): number {
  return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
}
