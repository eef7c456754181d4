import { z } from "zod";
import { secretIn, secretsIn } from "./answers.ts";
import type { TestServer } from "./apiserver-server.ts";

const itemsSchema = z.object({ items: z.array(z.record(z.string(), z.unknown())) });

/** What `kubectl get secrets -o json | kubectl replace -f -` did to the Secrets of a namespace. */
export interface Replaced {
  readonly total: number;
  /** Those whose resourceVersion, or revision in etcd, is another than before. */
  readonly rewritten: ReadonlySet<string>;
  readonly refused: number;
  /** The values by name as the answers show them. */
  readonly shown: ReadonlyMap<string, string>;
}

/** Lists the Secrets of the server's namespace and puts each back as the list has it. */
export async function replaceAll(server: TestServer): Promise<Replaced> {
  const list = await server.succeed(server.list());
  const secrets = secretsIn(list);
  const { items } = itemsSchema.parse(list.json());
  const rewritten = new Set<string>();
  const shown = new Map<string, string>();
  let refused = 0;
  for (const [index, { name, resourceVersion }] of secrets.entries()) {
    const before = await server.raw(name);
    const body = Buffer.from(JSON.stringify({ apiVersion: "v1", kind: "Secret", ...items[index] }));
    const answer = secretIn(await server.request({ method: "PUT", path: server.path(name), body }));
    const after = await server.raw(name);
    if (answer === undefined) refused++;
    else shown.set(name, answer.value);
    if ((answer !== undefined && answer.resourceVersion !== resourceVersion) || after.modRevision !== before.modRevision)
      rewritten.add(name);
  }
  return { total: secrets.length, rewritten, refused, shown };
}
