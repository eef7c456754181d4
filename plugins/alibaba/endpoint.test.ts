import { expect, it } from "vitest";
import { endpointOf, regionalEndpoint, requireRegion } from "./endpoint.ts";

it.each([
  ["kms.cn-hangzhou.aliyuncs.com", "https://kms.cn-hangzhou.aliyuncs.com"],
  ["kst-1.cryptoservice.kms.aliyuncs.com:8443", "https://kst-1.cryptoservice.kms.aliyuncs.com:8443"],
  ["https://kms.example", "https://kms.example"],
  ["http://127.0.0.1:8080", "http://127.0.0.1:8080"],
  ["http://[::1]:8080", "http://[::1]:8080"],
  ["http://localhost", "http://localhost"],
])("takes %s", (text, origin) => {
  expect(endpointOf(text, "endpoint").origin).toBe(origin);
});

it.each([
  ["http://kms.example", "is plain http on a host that is not loopback"],
  ["http://127.0.0.1.example", "is plain http on a host that is not loopback"],
  ["ftp://kms.example", "is no http or https URL"],
  ["http://", "is no http or https URL"],
  ["https://user:secret@kms.example", "has more than a host and a port"],
  ["https://kms.example/?a=secret", "has more than a host and a port"],
])("refuses %s, and does not quote it", (text, why) => {
  expect(() => endpointOf(text, "endpoint")).toThrow(`The value of --endpoint ${why}.`);
});

it("knows the hosts of a region", () => {
  expect(regionalEndpoint("kms", "cn-hangzhou", false).href).toBe("https://kms.cn-hangzhou.aliyuncs.com/");
  expect(regionalEndpoint("sts", "cn-hangzhou", true).href).toBe("https://sts-vpc.cn-hangzhou.aliyuncs.com/");
});

it("takes a region for what stands between two dots", () => {
  expect(["cn-hangzhou", "ap-southeast-1", "cn-north-2-gov-1"].map(requireRegion)).toHaveLength(3);
  for (const wrong of ["", "cn", "cn-hangzhou.evil.example/", "cn-Hangzhou"]) expect(() => requireRegion(wrong)).toThrow("no region id");
});
