/** Largest number of edits between a name and the name that it was probably meant to be. */
const MAX_EDITS = 2;

/** @returns `; did you mean X?` with the known name that is most like the given one, or nothing */
export function didYouMean(given: string, known: readonly string[]): string {
  const best = closest(given, known);
  return best === undefined ? '' : `; did you mean ${best}?`;
}

/** @returns the known name that is most like the given one; undefined if none is like it */
export function closest(given: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map((name) => ({ name, edits: countEdits(given.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, edits }) => edits <= Math.min(MAX_EDITS, Math.floor(name.length / 2)))
    .sort((a, b) => a.edits - b.edits);
  return best?.name;
}

/** The Levenshtein distance of two texts: the least number of characters to insert, delete or replace. */
function countEdits(from: string, to: string): number {
  if (Math.abs(from.length - to.length) > MAX_EDITS) return MAX_EDITS + 1;
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [index, character] of [...from].entries()) {
    const next = [index + 1];
    for (let column = 1; column <= to.length; column += 1) {
      const replaced = (row[column - 1] ?? 0) + (character === to[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
