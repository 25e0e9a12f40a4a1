import { describe, expect, test } from "vitest";
import { at, memoize, memoizeObject } from "../../config/collections.ts";

describe("an element that must be there", () => {
  test("is the one at the index, from the end if the index is negative", () => {
    expect([at([7, 8, 9], 0), at([7, 8, 9], 2), at([7, 8, 9], -1)]).toEqual([7, 9, 9]);
    expect(at(new Float64Array([0.5]), 0)).toBe(0.5);
  });

  test("is refused by its index where the list does not have it, and so is a gap", () => {
    expect(() => at([7, 8], 2)).toThrow("no element 2 in a list of 2");
    expect(() => at([], -1)).toThrow("no element -1 in a list of 0");
    expect(() => at([7], 0.5)).toThrow(RangeError);
    expect(() => at([7, undefined], 1)).toThrow(RangeError);
  });

  test("may be null or false or nothing but a number", () => {
    expect([at([null], 0), at([false], 0), at([0], 0)]).toEqual([null, false, 0]);
  });
});

describe("a memoized function", () => {
  test("computes each result once, an undefined one too", () => {
    const asked: string[] = [];
    const lengthOf = memoize((text: string) => {
      asked.push(text);
      return text === "" ? undefined : text.length;
    });
    expect(["ab", "", "ab", ""].map(lengthOf)).toEqual([2, undefined, 2, undefined]);
    expect(asked).toEqual(["ab", ""]);
  });

  test("takes arguments with the same key for the same", () => {
    const first = memoize(
      ({ name }: { name: string; rest: number }) => name.toUpperCase(),
      ({ rest }) => rest % 2,
    );
    expect(first({ name: "a", rest: 1 })).toBe("A");
    expect(first({ name: "b", rest: 3 })).toBe("A");
    expect(first({ name: "b", rest: 2 })).toBe("B");
  });

  test("computes again what failed", () => {
    let failures = 0;
    const fickle = memoize((argument: number) => {
      if (failures++ === 0) throw new Error("not this time");
      return argument;
    });
    expect(() => fickle(1)).toThrow("not this time");
    expect(fickle(1)).toBe(1);
  });
});

test("a memoized function of an object computes once for each object, equal ones too", () => {
  let asked = 0;
  const boxed = memoizeObject(({ value }: { value: number }) => ({ value, call: ++asked }));
  const [one, equal] = [{ value: 1 }, { value: 1 }];
  expect([boxed(one), boxed(equal), boxed(one)].map(({ call }) => call)).toEqual([1, 2, 1]);
});
