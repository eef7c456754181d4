import { createWriteStream } from "node:fs";
import type { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import tar from "tar-stream";

/**
 * Writes one file of a tar archive to `path`.
 * @param steps - the archive, then what has to be done to its bytes (to unzip it)
 * @returns whether the archive has a file of this name
 */
export async function extractFile(name: string, path: string, archive: Readable, ...steps: Transform[]): Promise<boolean> {
  const extract = tar.extract();
  let found = false;
  extract.on("entry", (header, content, next) => {
    if (header.type !== "file" || header.name !== name) {
      content.on("end", next);
      content.resume();
      return;
    }
    found = true;
    pipeline(content, createWriteStream(path)).then(() => next(), next);
  });
  await pipeline([archive, ...steps, extract]);
  return found;
}
