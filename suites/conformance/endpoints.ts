import type { TestServer } from "./apiserver-server.ts";
import type { Findings } from "./check.ts";
import { isBefore } from "./kubernetes-version.ts";

const allNames = ["kms-providers", "kms-provider-0", "kms-provider-1", "kms-provider-2"];

/**
 * Asks for every health endpoint that a KMS may have (spec encryption-at-rest 4.5): those of these names are there and no other, on livez only
 * before Kubernetes 1.29.
 */
export async function endpointFindings(
  findings: Findings,
  server: TestServer,
  { of, names, version }: { readonly of: string; readonly names: readonly string[]; readonly version: string },
): Promise<void> {
  for (const endpoint of ["healthz", "readyz", "livez"]) {
    const expected = endpoint === "livez" && !isBefore(version, { minor: 29 }) ? [] : names;
    const answers = await Promise.all(
      allNames.map(async (name) => ({ name, status: (await server.health(`/${endpoint}/${name}`)).status })),
    );
    const there = answers.filter(({ status }) => status !== 404);
    const isRight = there.length === expected.length && there.every(({ name, status }) => status === 200 && expected.includes(name));
    findings.add(isRight, {
      sent: `GET /${endpoint}/… of ${allNames.join(", ")}, for ${of}`,
      received: there.map(({ name, status }) => `${name} HTTP ${status}`).join(", ") || "HTTP 404 for each",
      expected: expected.length === 0 ? "HTTP 404 for each" : `HTTP 200 for ${expected.join(" and ")}, 404 for the others`,
    });
  }
}
