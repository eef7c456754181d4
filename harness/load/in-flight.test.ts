import fc from "fast-check";
import { expect, it } from "vitest";
import { InFlight } from "./in-flight.ts";

it("knows what a map knows, whatever is added and removed in whatever order", () => {
  const steps = fc.array(fc.record({ skip: fc.constantFrom(1, 1, 1, 8, 64), removes: fc.array(fc.nat(), { maxLength: 3 }) }), {
    maxLength: 200,
  });
  fc.assert(
    fc.property(steps, fc.constantFrom(0, 2 ** 31 - 5, 2 ** 32 - 5), (sequence, first) => {
      const inFlight = new InFlight(16);
      const expected = new Map<number, number>();
      let index = first;
      for (const { skip, removes } of sequence) {
        index += skip;
        if (expected.size < 16) {
          inFlight.add(index, index / 2, index * 2);
          expected.set(index, index / 2);
        }
        for (const draw of removes) {
          const gone = [...expected.keys()][draw % 16];
          if (gone === undefined) continue;
          inFlight.remove(inFlight.placeOf(gone));
          expected.delete(gone);
          expect(inFlight.placeOf(gone)).toBe(-1);
        }
        expect(inFlight.count).toBe(expected.size);
        for (const [there, dueMs] of expected) {
          const place = inFlight.placeOf(there);
          expect([inFlight.dueMs(place), inFlight.sentMs(place)]).toEqual([dueMs, dueMs * 4]);
        }
      }
    }),
  );
});
