import { describe, expect, it } from "vitest";
import { parseEtcdVersion, parseKubernetesVersion } from "./versions.ts";

describe("versions", () => {
  it.each([
    ["v1.37.2", "v1.37.2"],
    ["1.37.2", "v1.37.2"],
    ["v1.38.0-rc.1", "v1.38.0-rc.1"],
  ])("takes %s for Kubernetes %s", (text, version) => {
    expect(parseKubernetesVersion(text)).toBe(version);
  });

  it.each(["", "latest", "v1.37", "v1.37.2.1", "1.037.2", "v1.37.2; rm -rf /"])("refuses %j as no version", (text) => {
    expect(() => parseKubernetesVersion(text)).toThrow(/is not a version of Kubernetes\.$/);
  });

  it.each(["v1.28.15", "v2.0.0", "v0.37.2"])("refuses Kubernetes %s as not supported", (text) => {
    expect(() => parseKubernetesVersion(text)).toThrow(/is not supported: kmsmark runs v1\.29 and later\.$/);
  });

  it("refuses an etcd before 3.5", () => {
    expect(() => parseEtcdVersion("v3.4.30")).toThrow(/is not supported: kmsmark runs v3\.5 and later\.$/);
  });
});
