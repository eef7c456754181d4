import { resultVersion } from "./schema.ts";

/** What of kmsmark's a JSON value is; each is written with the same version. */
export type DocumentKind = "result" | "journal entry" | "baseline";

/** Turns a document of one version into one of the next. It may hold anything: what is not as it should be is left for the schema to refuse. */
type Migration = (document: unknown, kind: DocumentKind) => unknown;

/** The first turns version 1 into 2, and so on. */
const migrations: readonly Migration[] = [withTimelines];

/** A document of an earlier version as one of this; one of this version stays as it is. Nothing is changed in place. */
export function migrate(document: unknown, version: number, kind: DocumentKind): unknown {
  const migrated = migrations.slice(version - 1).reduce((value, migration) => migration(value, kind), document);
  return isObject(migrated) && "version" in migrated ? { ...migrated, version: resultVersion } : migrated;
}

/** Version 1 had `seconds`, without the calls of the KMS; a phase in which nothing ended had an empty list. */
function withTimelines(document: unknown, kind: DocumentKind): unknown {
  if (!isObject(document)) return document;
  if (kind === "journal entry") return withMember(document, "phase", withTimeline);
  return withEach(document, "cells", (cell) => withEach(cell, "phases", withTimeline));
}

function withTimeline(phase: unknown): unknown {
  if (!isObject(phase)) return phase;
  const { seconds, ...others } = phase;
  if (!Array.isArray(seconds) || seconds.length === 0) return others;
  const load = seconds.map((each: unknown) => {
    if (!isObject(each)) return each;
    const { second, ...counts } = each;
    return { step: second, ...counts };
  });
  return { timeline: { stepMs: 1000, load, kms: null }, ...others };
}

function withEach(value: unknown, name: string, change: (item: unknown) => unknown): unknown {
  return withMember(value, name, (items) => (Array.isArray(items) ? items.map(change) : items));
}

function withMember(value: unknown, name: string, change: (member: unknown) => unknown): unknown {
  return isObject(value) && name in value ? { ...value, [name]: change(value[name]) } : value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
