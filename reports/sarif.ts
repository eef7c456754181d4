import { createHash } from "node:crypto";
import { type CheckResult, checkAreas, type Evidence, type Result } from "../harness/run/schema.ts";
import { checkSentence, verdicts } from "../harness/run/verdict.ts";
import { byArea } from "./checks.ts";
import { oneLine } from "./escape.ts";
import { json } from "./json.ts";
import type { Reporter } from "./reporter.ts";

/**
 * For code scanning: what failed, and as notes what could not be judged, in SARIF 2.1.0 (OASIS). A fault of a configuration stands at its
 * line in that file. What else is checked is no file: it stands at the result of the run, because GitHub shows nothing without one.
 */
export const sarif = {
  id: "sarif",
  file: "findings.sarif",
  isFor: ({ checks }) => checks.length > 0,
  render: (result) => {
    const checks = byArea(result.checks).flatMap(([, ofArea]) => ofArea);
    const log = {
      $schema: "https://json.schemastore.org/sarif-2.1.0.json",
      version: "2.1.0",
      runs: [
        {
          tool: { driver: { name: "kmsmark", version: oneLine(result.header.kmsmark), rules: checks.map(ruleOf) } },
          automationDetails: { id: oneLine(`kmsmark/${areasOf(result).join("-")}/${result.header.runId}`) },
          invocations: [invocationOf(result)],
          columnKind: "utf16CodeUnits",
          results: distinct(checks.flatMap(findingsOf)),
        },
      ],
    };
    return `${JSON.stringify(log, null, 2)}\n`;
  },
} satisfies Reporter;

/** What tells two runs of one kind from those of another: a code scanner closes the findings that the next run of the kind no longer has. */
function areasOf({ checks, header }: Result): string[] {
  return [header.command, ...checkAreas.filter((area) => checks.some((check) => check.area === area))];
}

/** Ids never change, so a rule is known by its id. */
function ruleOf({ id, area, title, level, invariants, source, remedy }: CheckResult) {
  return {
    id: oneLine(id),
    shortDescription: { text: oneLine(title) },
    fullDescription: { text: oneLine(title) },
    help: { text: `${oneLine(remedy)} (${oneLine(source)})` },
    defaultConfiguration: { level: levelOf({ level, verdict: "fail" }) },
    properties: { level, tags: [...new Set([area, ...invariants.map(oneLine)])] },
  };
}

function levelOf({ level, verdict }: Pick<CheckResult, "level" | "verdict">): "error" | "warning" | "note" {
  if (verdict !== "fail") return "note";
  return level === "MUST" ? "error" : "warning";
}

/** Of a finding what it is known by from run to run, apart from its rule. */
interface Finding {
  readonly ruleId: string;
  readonly fingerprint: string;
}

/** One for each piece of evidence that has a place of its own, as in a configuration, and one with all the others. */
function findingsOf(check: CheckResult, ruleIndex: number) {
  const { id, verdict, evidence } = check;
  if (verdict !== "fail" && verdict !== "inconclusive") return [];
  const ruleId = oneLine(id);
  const finding = (pieces: readonly Evidence[], { uri, line }: { uri: string; line: number }, fingerprint: readonly string[]) => ({
    ...{ ruleId, ruleIndex, level: levelOf(check) },
    message: { text: [checkSentence(check), ...pieces.map(evidenceText), ...remedyText(check)].map(oneLine).join("\n") },
    locations: [
      {
        physicalLocation: { artifactLocation: { uri }, region: { startLine: line } },
        logicalLocations: [{ fullyQualifiedName: ruleId }],
      },
    ],
    fingerprint: digest([ruleId, uri, ...fingerprint]),
  });
  const placed = evidence.flatMap((piece) => {
    const { place, received } = piece;
    return place === undefined ? [] : [finding([piece], { uri: uriOf(place.file), line: place.line ?? 1 }, [received])];
  });
  const others = evidence.filter(({ place }) => place === undefined);
  return placed.length > 0 && others.length === 0 ? placed : [...placed, finding(others, { uri: json.file, line: 1 }, [])];
}

/** Two that say the same of one file are told apart by their order; GitHub knows findings by a hash of this name alone. */
function distinct<Of extends Finding>(findings: readonly Of[]) {
  const seen = new Map<string, number>();
  return findings.map(({ fingerprint, ...finding }) => {
    const count = (seen.get(fingerprint) ?? 0) + 1;
    seen.set(fingerprint, count);
    return { ...finding, partialFingerprints: { primaryLocationLineHash: `${fingerprint}:${count}` } };
  });
}

function digest(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}

function evidenceText({ sent, received, expected }: Evidence): string {
  return `${sent}: ${received}; expected: ${expected}`;
}

function remedyText({ verdict, remedy }: CheckResult): string[] {
  return verdict === "fail" ? [`To do: ${remedy}`] : [];
}

/** A path as a URI: relative to wherever the file was given from, which in CI is the repository. */
function uriOf(path: string): string {
  const encoded = path
    .replaceAll("\\", "/")
    .replace(/^(\.\/)+/, "")
    .split("/")
    .map(encodePart)
    .join("/");
  return path.startsWith("/") ? `file://${encoded}` : encoded;
}

/** Half of a surrogate pair has no encoding. */
function encodePart(part: string): string {
  return encodeURIComponent(part.toWellFormed());
}

function invocationOf(result: Result) {
  const { header, status, fault, durationMs } = result;
  const end = new Date(Date.parse(header.startedAt) + durationMs);
  const notifications = [
    ...(fault === null ? [] : [{ level: "error", message: { text: oneLine(fault) } }]),
    ...header.notes.map((note) => ({ level: "note", message: { text: oneLine(note) } })),
  ];
  return {
    executionSuccessful: status === "complete",
    ...(status === "complete" ? { exitCode: verdicts(result).exitCode } : {}),
    startTimeUtc: new Date(header.startedAt).toISOString(),
    endTimeUtc: end.toISOString(),
    toolExecutionNotifications: notifications,
    properties: {
      run: oneLine(header.runId),
      status,
      seed: oneLine(header.seed),
      strict: header.strict,
      target: header.target?.kind ?? "none",
      isModel: header.target?.isModel ?? false,
      kubernetes: oneLine(header.target?.kubernetes ?? "none"),
      plugin: oneLine(header.plugin ?? "none"),
    },
  };
}
