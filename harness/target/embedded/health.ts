import type { Failure } from "../../model/index.ts";
import type { ApiServer } from "./api-server.ts";

/** An answer in plain text. */
export interface TextAnswer {
  readonly httpStatus: number;
  readonly text: string;
}

const endpoints = ["healthz", "livez", "readyz"];

/**
 * Answers /healthz, /livez, /readyz and their single checks as kube-apiserver does (k8s.io/apiserver/pkg/server/healthz); undefined where there
 * is no such path. KMS providers are checked on healthz and readyz alone (spec encryption-at-rest 4.5).
 */
export async function answerHealth(server: ApiServer, url: URL): Promise<TextAnswer | undefined> {
  const [, endpoint = "", ...rest] = url.pathname.split("/");
  if (!endpoints.includes(endpoint)) return undefined;
  const checks = checksOf(server, endpoint);
  if (rest.length > 0) {
    const check = checks.find(({ name }) => name === rest.join("/"));
    if (check === undefined) return undefined;
    const problem = await check.run();
    return problem === undefined
      ? { httpStatus: 200, text: "ok" }
      : { httpStatus: 500, text: `internal server error: ${problem.message}\n` };
  }
  return answerAll(endpoint, checks, url.searchParams);
}

interface Check {
  readonly name: string;
  run(): Promise<Failure | undefined>;
}

function checksOf(server: ApiServer, endpoint: string): Check[] {
  const good = async () => undefined;
  const storage = async () => ((await server.isReady()) ? undefined : { message: "storage is not ready", grpcCodeName: undefined });
  const kms = server.kmsChecks.map(({ name, check }) => ({ name, run: check }));
  return [
    { name: "ping", run: good },
    { name: "log", run: good },
    { name: "etcd", run: good },
    ...(endpoint === "livez" ? [] : kms),
    { name: "poststarthook/storage-readiness", run: storage },
    ...(server.reloads ? [{ name: "poststarthook/start-encryption-provider-config-automatic-reload", run: good }] : []),
  ];
}

/** Why a check failed is not told here, only at its own path. */
async function answerAll(endpoint: string, checks: readonly Check[], query: URLSearchParams): Promise<TextAnswer> {
  const excluded = new Set(query.getAll("exclude").flatMap((names) => names.split(",")));
  const lines: string[] = [];
  let isGood = true;
  for (const { name, run } of checks) {
    if (excluded.delete(name)) {
      lines.push(`[+]${name} excluded: ok`);
      continue;
    }
    const problem = await run();
    isGood &&= problem === undefined;
    lines.push(problem === undefined ? `[+]${name} ok` : `[-]${name} failed: reason withheld`);
  }
  const unknown = [...excluded].map((name) => `"${name}"`).join(",");
  if (unknown !== "") lines.push(`warn: some health checks cannot be excluded: no matches for ${unknown}`);
  if (!isGood) return { httpStatus: 500, text: `${lines.join("\n")}\n${endpoint} check failed\n` };
  return { httpStatus: 200, text: query.has("verbose") ? `${lines.join("\n")}\n${endpoint} check passed\n` : "ok" };
}
