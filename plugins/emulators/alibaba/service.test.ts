import { describe, expect, it } from "vitest";
import { CloudError } from "./service.ts";

describe("CloudError", () => {
  it("has what an error answer is made of", () => {
    const { status, code, message } = new CloudError(
      409,
      "Rejected.Disabled",
      "The request was rejected because the key state is Disabled.",
    );
    expect({ status, code, message }).toEqual({
      status: 409,
      code: "Rejected.Disabled",
      message: "The request was rejected because the key state is Disabled.",
    });
  });
});
