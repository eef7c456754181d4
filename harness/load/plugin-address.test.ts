import { expect, it } from "vitest";
import { endpointOf, pluginAddressOf } from "./plugin-address.ts";

it.each([
  ["unix:///run/kms.sock", { path: "/run/kms.sock" }, "unix:///run/kms.sock"],
  ["/run/kms.sock", { path: "/run/kms.sock" }, "unix:///run/kms.sock"],
  ["unix:///@kms", { path: "\0kms" }, "unix:///@kms"],
  ["unix://@kms", { path: "\0kms" }, "unix:///@kms"],
  ["unix:@kms", { path: "\0kms" }, "unix:///@kms"],
  ["@kms", { path: "\0kms" }, "unix:///@kms"],
  ["tcp://127.0.0.1:8080", { host: "127.0.0.1", port: 8080 }, "tcp://127.0.0.1:8080"],
  ["tcp://[::1]:8080", { host: "::1", port: 8080 }, "tcp://[::1]:8080"],
])("reads %s", (endpoint, address, written) => {
  expect(pluginAddressOf(endpoint)).toEqual(address);
  expect(endpointOf(address)).toBe(written);
});

it.each([
  ["tcp://127.0.0.1", "bad-endpoint"],
  ["tcp://127.0.0.1:0", "bad-endpoint"],
  ["tcp://127.0.0.1:99999", "bad-endpoint"],
  ["tcp://::1:8080", "bad-endpoint"],
  ["unix:///@", "bad-endpoint"],
  [`@${"x".repeat(108)}`, "bad-endpoint"],
  ["@a\0b", "bad-endpoint"],
  ["https://kms.test/", "bad-socket-path"],
  ["", "bad-socket-path"],
])("refuses %j", (endpoint, code) => {
  expect(() => pluginAddressOf(endpoint)).toThrow(expect.objectContaining({ code }));
});
