/** Lists and functions in general. */

/**
 * The element of a list that must be there: an index that is out of bounds is a defect of the program and no value.
 * @param index from 0; negative numbers count from the end
 * @throws {RangeError} if the list has no such element
 */
export function at<Item>(list: ArrayLike<Item>, index: number): Item {
  const item = list[index < 0 ? list.length + index : index];
  if (item === undefined) throw new RangeError(`there is no element ${index} in a list of ${list.length}`);
  return item;
}

/**
 * Remembers a function's results for as long as the returned function lives.
 * @param keyOf two arguments with the same key have the same result; @default the argument itself
 */
export function memoize<Argument, Result>(
  compute: (argument: Argument) => Result,
  keyOf: (argument: Argument) => unknown = (argument) => argument,
): (argument: Argument) => Result {
  const known = new Map<unknown, { result: Result }>();
  return (argument) => {
    const key = keyOf(argument);
    const found = known.get(key) ?? { result: compute(argument) };
    known.set(key, found);
    return found.result;
  };
}

/** The same for a function of an object, whose result lives as long as the object itself. */
export function memoizeObject<Argument extends object, Result extends object>(
  compute: (argument: Argument) => Result,
): (argument: Argument) => Result {
  const known = new WeakMap<Argument, Result>();
  return (argument) => {
    const result = known.get(argument) ?? compute(argument);
    known.set(argument, result);
    return result;
  };
}
