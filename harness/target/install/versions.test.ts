import { expect, test } from "vitest";
import { defaultVersions, parseEtcdVersion, parseKubernetesVersion } from "./versions.ts";

test.each(["v1.37.2", "1.37.2", " 1.37.2 "])("%o is Kubernetes v1.37.2", (text) => {
  expect(parseKubernetesVersion(text)).toBe("v1.37.2");
});

test("a pre-release is a version", () => {
  expect(parseKubernetesVersion("1.38.0-rc.1")).toBe("v1.38.0-rc.1");
});

test.each(["", "latest", "v1.37", "1.37.2.1", "01.37.2", "v1.37.2; rm -rf /", "../v1.37.2", "1.37.2-rc"])("%o is no version", (text) => {
  expect(() => parseKubernetesVersion(text)).toThrow(expect.objectContaining({ code: "bad-version" }));
});

test.each(["v1.28.15", "v2.0.0", "0.37.2"])("Kubernetes %s is not supported", (text) => {
  expect(() => parseKubernetesVersion(text)).toThrow(expect.objectContaining({ code: "unsupported-version" }));
});

test("the oldest versions are supported", () => {
  expect([parseKubernetesVersion("1.29.0"), parseEtcdVersion("3.5.0")]).toEqual(["v1.29.0", "v3.5.0"]);
});

test("etcd before its server was a module is not supported", () => {
  expect(() => parseEtcdVersion("3.4.30")).toThrow("etcd v3.4.30 is not supported: kmsmark runs v3.5 and later.");
});

test("the default versions are versions", () => {
  expect(parseKubernetesVersion(defaultVersions.kubernetesVersion)).toBe(defaultVersions.kubernetesVersion);
  expect(parseEtcdVersion(defaultVersions.etcdVersion)).toBe(defaultVersions.etcdVersion);
});
