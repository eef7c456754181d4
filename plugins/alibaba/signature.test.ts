import { describe, expect, it } from "vitest";
import { canonicalQuery, emptyPayloadHash, hashV3, percentEncode, signedHeaderNames, signV1, signV3 } from "./signature.ts";

describe("the signatures of Alibaba's own documentation (spec alibaba-cloud 3)", () => {
  it("V1: CreateKey by testid", () => {
    const parameters = Object.entries({
      Action: "CreateKey",
      SignatureVersion: "1.0",
      Format: "json",
      Version: "2016-01-20",
      AccessKeyId: "testid",
      SignatureMethod: "HMAC-SHA1",
      Timestamp: "2016-03-28T03:13:08Z",
    });
    expect(signV1("GET", parameters, "testsecret")).toBe("41wk2SSX1GJh7fwnc5eqOfiJPFg=");
    expect(signV1("POST", parameters, "testsecret")).not.toBe("41wk2SSX1GJh7fwnc5eqOfiJPFg=");
  });

  it("V3: RunInstances by YourAccessKeyId", () => {
    const request = {
      method: "POST",
      path: "/",
      query: Object.entries({ ImageId: "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd", RegionId: "cn-shanghai" }),
      headers: new Map([
        ["host", "ecs.cn-shanghai.aliyuncs.com"],
        ["x-acs-action", "RunInstances"],
        ["x-acs-content-sha256", emptyPayloadHash],
        ["x-acs-date", "2023-10-26T10:22:32Z"],
        ["x-acs-signature-nonce", "3156853299f313e23d1673dc12e1703d"],
        ["x-acs-version", "2014-05-26"],
      ]),
      payloadHash: emptyPayloadHash,
    };
    expect(signedHeaderNames(request.headers)).toBe(
      "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version",
    );
    expect(hashV3(request)).toBe("7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259");
    expect(signV3(request, "YourAccessKeySecret")).toBe("06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0");
  });
});

describe("the canonical query", () => {
  it("escapes all that RFC 3986 does not leave alone", () => {
    expect(percentEncode("a b*c'(d)!~-_.+/ä")).toBe("a%20b%2Ac%27%28d%29%21~-_.%2B%2F%C3%A4");
  });

  it("is sorted, and keeps empty values", () => {
    expect(canonicalQuery(Object.entries({ b: "2", SignatureType: "", a: "1" }))).toBe("SignatureType=&a=1&b=2");
  });

  it("is sorted by names, also where one begins another", () => {
    const pairs = Object.entries({ "Tag.1": "x", Tag1: "y", Tag: "z", "Tag-a": "" });
    expect(canonicalQuery([...pairs, ["Tag", "a"]])).toBe("Tag=a&Tag=z&Tag-a=&Tag.1=x&Tag1=y");
  });
});
