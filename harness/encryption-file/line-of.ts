import { type Document, isAlias, isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import type { FieldPath } from "./fault.ts";

/**
 * The line that something said against a file is about, counted from 1: the one that the words name, or that of the field that they name.
 * Undefined where they name neither.
 * @param text - of the file.
 * @param message - of a ConfigurationFault.
 */
export function lineOfFault(text: string, message: string): number | undefined {
  const line = /\bline (\d+): /.exec(message)?.[1];
  if (line !== undefined) return Number(line);
  const path = /^(resources(?:\[\d+\]|\.\w+)*): /.exec(message)?.[1] ?? /\bfield "([^"\\]+)"/.exec(message)?.[1];
  return path === undefined ? undefined : lineOfField(text, path);
}

/** The line where the value of a field begins, or of the nearest one around it that is there. */
export function lineOfField(text: string, path: FieldPath): number | undefined {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, schema: "failsafe", version: "1.1", uniqueKeys: false, prettyErrors: false });
  let found: Node | null = document.contents;
  for (const [, name, index] of path.matchAll(/([^.[\]]+)|\[(\d+)\]/g)) {
    const inner: Node | null = index === undefined ? fieldOf(found, name ?? "", document) : itemOf(found, Number(index), document);
    if (inner === null) break;
    found = inner;
  }
  const offset = found?.range?.[0];
  return offset === undefined ? undefined : lines.linePos(offset).line;
}

function fieldOf(node: Node | null, name: string, document: Document.Parsed): Node | null {
  const map = behind(node, document);
  if (!isMap(map)) return null;
  const pair = map.items.find(({ key }) => isScalar(key) && key.source === name);
  return isNode(pair?.value) ? pair.value : null;
}

function itemOf(node: Node | null, index: number, document: Document.Parsed): Node | null {
  const list = behind(node, document);
  const item: unknown = isSeq(list) ? list.items[index] : null;
  return isNode(item) ? item : null;
}

function behind(node: Node | null, document: Document.Parsed): Node | null {
  return isAlias(node) ? (node.resolve(document) ?? null) : node;
}
