import { z } from "zod";
import type { ApiAnswer } from "../../harness/load/api-answer.ts";

const secretSchema = z.object({
  metadata: z.object({ name: z.string(), resourceVersion: z.string() }),
  data: z.record(z.string(), z.string()).default({}),
});
const listSchema = z.object({ items: z.array(secretSchema) });

/** A Secret as the API shows it. */
export interface ShownSecret {
  readonly name: string;
  readonly resourceVersion: string;
  /** What lies under the key `value`; never to be told as evidence. */
  readonly value: string;
}

/** The Secret that an answer shows; undefined where it shows none. */
export function secretIn(answer: ApiAnswer): ShownSecret | undefined {
  return answer.failure === undefined ? shown(secretSchema.parse(answer.json())) : undefined;
}

/** The Secrets of a list. @throws Error where the answer is none. */
export function secretsIn(answer: ApiAnswer): ShownSecret[] {
  if (answer.failure !== undefined) throw new Error(`A list that a check needs was refused: ${wordsOf(answer)}`);
  return listSchema.parse(answer.json()).items.map(shown);
}

/** `HTTP 200`, or `HTTP 500: ` and what the API server says. */
export function wordsOf(answer: ApiAnswer): string {
  return answer.failure === undefined ? `HTTP ${answer.status}` : `HTTP ${answer.status}: ${answer.failure}`;
}

function shown({ metadata: { name, resourceVersion }, data: { value = "" } }: z.infer<typeof secretSchema>): ShownSecret {
  return { name, resourceVersion, value: Buffer.from(value, "base64").toString() };
}
