import { escapeMarkup } from "../escape.ts";
import { contextTitle, measuredOn } from "../measured-on.ts";
import type { Sections } from "./section.ts";

/** What a reader must know of the machine, the versions and the load. */
export const contextSections: Sections = (result) => {
  const items = measuredOn(result).map((sentence) => `<li>${escapeMarkup(sentence)}</li>`);
  return [{ id: "context", title: contextTitle(result), parts: [`<ul>\n${items.join("\n")}\n</ul>`] }];
};
