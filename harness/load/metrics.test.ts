import { describe, expect, it } from "vitest";
import { deltas, parseMetrics, sumOf } from "./metrics.ts";

const kms = "apiserver_envelope_encryption_kms_operations_latency_seconds";

/** As kube-apiserver writes it, with neighbours that are not asked for. */
const exposition = `# HELP ${kms} [ALPHA] KMS operation duration with gRPC error code status total.
# TYPE ${kms} histogram
${kms}_bucket{grpc_status_code="OK",method_name="/v2.KeyManagementService/Encrypt",provider_name="kmsmark",le="0.0001"} 0
${kms}_bucket{grpc_status_code="OK",method_name="/v2.KeyManagementService/Encrypt",provider_name="kmsmark",le="+Inf"} 3
${kms}_sum{grpc_status_code="OK",method_name="/v2.KeyManagementService/Encrypt",provider_name="kmsmark"} 0.001464082
${kms}_count{grpc_status_code="OK",method_name="/v2.KeyManagementService/Encrypt",provider_name="kmsmark"} 3
${kms}_count{grpc_status_code="Unavailable",method_name="/v2.KeyManagementService/Encrypt",provider_name="kmsmark"} 2
${kms}_count{grpc_status_code="OK",method_name="/v2.KeyManagementService/Status",provider_name="kmsmark"} 1.2e+01
apiserver_storage_envelope_transformation_cache_misses_total 430
apiserver_request_total{code="200"} 7
go_goroutines 812
`;

describe("parseMetrics", () => {
  it("keeps the series that were asked for and no other", () => {
    expect([...parseMetrics(exposition, ["apiserver_storage_envelope", "go_"])]).toEqual([
      ["apiserver_storage_envelope_transformation_cache_misses_total", 430],
      ["go_goroutines", 812],
    ]);
  });

  it("keeps what concerns encryption at rest by default", () => {
    const names = new Set([...parseMetrics(exposition).keys()].map((series) => series.replace(/\{.*/, "")));
    expect(names).toEqual(
      new Set([`${kms}_bucket`, `${kms}_sum`, `${kms}_count`, "apiserver_storage_envelope_transformation_cache_misses_total"]),
    );
  });

  it("puts labels in the order of their names", () => {
    expect([...parseMetrics('go_x{b="2",a="1"} 5', ["go_"])]).toEqual([['go_x{a="1",b="2"}', 5]]);
  });

  it("reads labels that hold braces, blanks, commas and escapes", () => {
    expect([...parseMetrics('go_x{b="} 9, {",a="a\\"b\\\\" , } 5 1700000000000', ["go_"])]).toEqual([
      ['go_x{a="a\\"b\\\\",b="} 9, {"}', 5],
    ]);
  });

  it.each([
    ["+Inf", Number.POSITIVE_INFINITY],
    ["-Inf", Number.NEGATIVE_INFINITY],
    ["NaN", Number.NaN],
    ["1.5e-07", 1.5e-7],
  ])("reads the value %s", (written, value) => {
    expect(parseMetrics(`go_x ${written}\n`, ["go_"]).get("go_x")).toBe(value);
  });

  it("reads a last line without a newline, and lines that end in CR", () => {
    expect([...parseMetrics("go_x 1\r\ngo_y 2", ["go_"])]).toEqual([
      ["go_x", 1],
      ["go_y", 2],
    ]);
  });

  it("passes over a line that is no sample", () => {
    expect([...parseMetrics('go_x{a="1 5\ngo_y\ngo_z 3', ["go_"])]).toEqual([["go_z", 3]]);
  });
});

describe("deltas", () => {
  it("gives what changed", () => {
    const before = parseMetrics("go_a 1\ngo_b 2\n", ["go_"]);
    const after = parseMetrics("go_a 4\ngo_b 2\ngo_c 5\n", ["go_"]);
    expect([...deltas(before, after)]).toEqual([
      ["go_a", 3],
      ["go_c", 5],
    ]);
  });

  it("leaves out what is no number", () => {
    expect([...deltas(new Map(), parseMetrics("go_a NaN\ngo_b +Inf", ["go_"]))]).toEqual([]);
  });

  it("counts a new process from 0", () => {
    expect([...deltas(new Map(), parseMetrics("go_a 4", ["go_"]))]).toEqual([["go_a", 4]]);
  });
});

describe("sumOf", () => {
  const metrics = parseMetrics(exposition);

  it("adds up the series of a name", () => {
    expect(sumOf(metrics, `${kms}_count`)).toBe(17);
  });

  it("takes only those that bear every label", () => {
    expect(sumOf(metrics, `${kms}_count`, { method_name: "/v2.KeyManagementService/Encrypt" })).toBe(5);
    expect(sumOf(metrics, `${kms}_count`, { method_name: "/v2.KeyManagementService/Encrypt", grpc_status_code: "OK" })).toBe(3);
  });

  it("does not take a longer name for the one that was asked for", () => {
    expect(sumOf(metrics, kms)).toBe(0);
  });

  it("does not take the end of one label's name for another label", () => {
    expect(sumOf(metrics, `${kms}_count`, { name: "kmsmark" })).toBe(0);
  });

  it("finds a value that has to be escaped", () => {
    expect(sumOf(parseMetrics('go_x{a="a\\"b"} 5', ["go_"]), "go_x", { a: 'a"b' })).toBe(5);
  });

  it("is 0 for what is not there", () => {
    expect(sumOf(metrics, "apiserver_storage_data_key_generation_duration_seconds_count")).toBe(0);
  });
});
