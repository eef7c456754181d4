import { expect, it } from "vitest";
import { priceTableSchema } from "../harness/plan/price-table.ts";
import { priceTables } from "./published-terms.ts";

it("has price tables that hold to their schema, each with a name of its own, a date and a page", () => {
  for (const table of priceTables) {
    expect(priceTableSchema.parse(table)).toEqual(table);
    expect(table.source).toMatch(/^https:\/\//);
  }
  expect(new Set(priceTables.map(({ name }) => name)).size).toBe(priceTables.length);
});
