/** Array methods that may visit all elements. */
const OF_ARRAYS =
  `concat every filter find findIndex flat flatMap forEach includes indexOf join map reduce slice some sort
  splice toSpliced toSorted values`.split(/\s+/);
/** String methods that may visit all characters. */
const OF_TEXTS = 'includes indexOf match replace replaceAll search split toLowerCase trim'.split(' ');

type Method = (this: { readonly length: number }, ...parameters: unknown[]) => unknown;

/**
 * Counts the elements and characters that array and string methods visit during an operation, in all code of this
 * process except Node.js itself. Unlike time, the count is the same on every machine.
 */
export async function countWork(operation: () => Promise<unknown>): Promise<number> {
  let work = 0;
  const undo = [
    ...OF_ARRAYS.map((name) => count(Array.prototype, name)),
    count(Array.prototype, Symbol.iterator),
    ...OF_TEXTS.map((name) => count(String.prototype, name)),
  ];
  function count(prototype: object, name: string | symbol): () => void {
    const original = Object.getOwnPropertyDescriptor(prototype, name) as PropertyDescriptor & { value: Method };
    function counted(this: { readonly length: number }, ...parameters: unknown[]) {
      const result = original.value.apply(this, parameters);
      if (name === 'indexOf') work += searched(this.length, Number(result), Number(parameters[1] ?? 0));
      else work += Math.max(this.length, Array.isArray(result) ? result.length : 0);
      return result;
    }
    Object.defineProperty(prototype, name, { ...original, value: counted });
    return () => Object.defineProperty(prototype, name, original);
  }
  try {
    await operation();
    return work;
  } finally {
    for (const restore of undo) restore();
  }
}

/** The number of elements or characters that a search visited. */
function searched(length: number, found: number, from: number): number {
  return (found < 0 ? length : found + 1) - from;
}
