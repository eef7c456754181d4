import { describe, expect, it } from "vitest";
import { ApiAnswer } from "./api-answer.ts";

function answer(status: number, body: unknown, options?: ConstructorParameters<typeof ApiAnswer>[2]): ApiAnswer {
  return new ApiAnswer(status, Buffer.from(typeof body === "string" ? body : JSON.stringify(body)), options);
}

describe("failure", () => {
  it("is absent for 2xx", () => {
    expect(answer(200, {}).failure).toBeUndefined();
    expect(answer(201, {}).failure).toBeUndefined();
  });

  it("is absent for a status that was expected, and for no other", () => {
    expect(answer(409, { kind: "Status", reason: "AlreadyExists" }, { expected: 409 }).failure).toBeUndefined();
    expect(answer(404, { kind: "Status", reason: "NotFound" }, { expected: 409 }).failure).toBe("NotFound");
  });

  it("is the API server's own message", () => {
    expect(answer(500, { kind: "Status", message: "Internal error occurred: the KMS is gone", reason: "InternalError" }).failure).toBe(
      "Internal error occurred: the KMS is gone",
    );
  });

  it("leaves the object's name out", () => {
    const body = { kind: "Status", message: 'secrets "a-1" not found at /registry/secrets/ns/a-1', reason: "NotFound" };
    expect(answer(404, body, { names: ["ns/a-1", "a-1"] }).failure).toBe('secrets "…" not found at /registry/secrets/…');
  });

  it("is the reason alone for 400, whose message may quote a value", () => {
    const message = 'json: cannot unmarshal, error found in #10 byte of ...|"password":"c2VjcmV0"|...';
    expect(answer(400, { kind: "Status", message, reason: "BadRequest" }).failure).toBe("BadRequest");
  });

  it.each(["", "<html>c2VjcmV0</html>", '{"kind":"Secret","data":{"a":"c2VjcmV0"}}'])(
    "never shows a body that is no Status: %s",
    (body) => {
      expect(answer(503, body).failure).toBe("HTTP 503 without a Kubernetes Status");
    },
  );
});

describe("continueToken", () => {
  const items = [{ metadata: { name: "a", continue: "no" } }];

  it("is read from a list as kube-apiserver writes it", () => {
    expect(
      answer(200, { kind: "SecretList", apiVersion: "v1", metadata: { resourceVersion: "7", continue: "next" }, items }).continueToken(),
    ).toBe("next");
  });

  it("is read from a list in another order", () => {
    expect(answer(200, { items, metadata: { continue: "next" }, kind: "SecretList" }).continueToken()).toBe("next");
  });

  it("is absent on the last page", () => {
    expect(
      answer(200, { kind: "SecretList", apiVersion: "v1", metadata: { resourceVersion: "7" }, items }).continueToken(),
    ).toBeUndefined();
    expect(answer(200, { metadata: { continue: "" }, items }).continueToken()).toBeUndefined();
  });

  it("does not parse the items", () => {
    const cut = '{"kind":"SecretList","apiVersion":"v1","metadata":{"continue":"next"},"items":[{"cut off';
    expect(answer(200, cut).continueToken()).toBe("next");
  });

  it("throws for what is no list", () => {
    expect(() => answer(200, "[]").continueToken()).toThrow();
  });
});
