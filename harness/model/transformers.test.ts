import { describe, expect, it } from "vitest";
import { aggregate, failure, statusLabel } from "./failure.ts";
import { keyTransformers } from "./local.ts";
import {
  isFailureForgotten,
  isStale,
  noMatchingProvider,
  providerPrefix,
  providersOf,
  readFailure,
  readLabel,
  readOrder,
} from "./transformers.ts";

const key = { name: "key1", secret: new Uint8Array(32) };
const identity = { kind: "identity" } as const;
const aesgcm = { kind: "aesgcm", keys: [key] } as const;
const kms = { kind: "kms", apiVersion: "v2", name: "one", socket: "/tmp/kms.sock" } as const;

describe("provider order", () => {
  it("names the prefixes of 0.1", () => {
    expect([identity, aesgcm, kms, { ...kms, apiVersion: "v1" as const }].map(providerPrefix)).toEqual([
      "",
      "k8s:enc:aesgcm:v1:",
      "k8s:enc:kms:v2:one:",
      "k8s:enc:kms:v1:one:",
    ]);
  });

  it("tries every provider that matches, in order", () => {
    const prefixes = ["k8s:enc:aesgcm:v1:", "", "k8s:enc:kms:v2:one:", "k8s:enc:kms:v2:one:"];
    const stored = "k8s:enc:kms:v2:one:body";
    expect(readOrder({ prefixes, noMatch: "" }, (prefix) => stored.startsWith(prefix))).toEqual([1, 2, 3]);
  });

  it("calls stale what another than the first read", () => {
    expect([isStale(0, false), isStale(0, true), isStale(1, false)]).toEqual([false, true, true]);
  });

  it("forgets identity's failures alone, and labels its reads", () => {
    expect(["", "key1:"].map(isFailureForgotten)).toEqual([true, false]);
    expect(["", "key1:"].map(readLabel)).toEqual(["identity", "key1:"]);
  });

  it("tells one failure as it is, several in brackets, none as no match", () => {
    const transformers = { prefixes: [], noMatch: noMatchingProvider };
    expect(readFailure(transformers, [])).toEqual(failure("no matching prefix found"));
    expect(readFailure(transformers, [failure("a")])).toEqual(failure("a"));
    expect(aggregate([failure("a"), failure("b"), failure("a")])).toEqual(failure("[a, b]"));
    expect(aggregate([failure("a"), failure("a")])).toEqual(failure("a"));
  });

  it("labels metrics with the gRPC code where there was one", () => {
    expect([undefined, failure("x"), { message: "x", grpcCodeName: "Unavailable" }].map(statusLabel)).toEqual([
      "OK",
      "unknown-non-grpc",
      "Unavailable",
    ]);
  });

  it("tells a local provider's keys apart by name", () => {
    expect(keyTransformers("aescbc", ["a", "b"])).toEqual({
      prefixes: ["a:", "b:"],
      noMatch: "no matching key was found for the provided AES transformer",
    });
    expect(keyTransformers("secretbox", []).noMatch).toBe("no matching key was found for the provided Secretbox transformer");
  });
});

describe("providers of a resource", () => {
  const configuration = {
    resources: [
      { resources: ["secrets"], providers: [kms] },
      { resources: ["secrets"], providers: [identity] },
      { resources: ["*.apps", "*."], providers: [aesgcm] },
    ],
  };

  it("are the exact name's of all items, before its group's, before everybody's", () => {
    expect(providersOf(configuration, "secrets")).toEqual([kms, identity]);
    expect(providersOf(configuration, "namespaces")).toEqual([aesgcm]);
    expect(providersOf(configuration, "deployments.apps")).toEqual([aesgcm]);
    expect(providersOf({ resources: [{ resources: ["*.*"], providers: [identity] }] }, "jobs.batch")).toEqual([identity]);
  });

  it("are none where nothing names it", () => {
    expect(providersOf(configuration, "jobs.batch")).toBeUndefined();
    expect(providersOf(undefined, "secrets")).toBeUndefined();
  });
});
