import type { z } from 'zod';

/** Notes what cannot be. @param path where it is said @param message what was expected @param input what was found */
export type Refuse = (path: (string | number)[], message: string, input: unknown) => void;

/** Refuses in the words of zod. */
export function refusing(context: z.RefinementCtx): Refuse {
  return (path, message, input) => context.addIssue({ code: 'custom', path, message, input });
}

/** Two entries of a list must not have one name. */
export function refuseDuplicates<Name extends string>(
  entries: readonly Record<Name, string>[],
  name: Name,
  path: (string | number)[],
  refuse: Refuse,
): void {
  const seen = new Set<string>();
  for (const [index, entry] of entries.entries()) {
    if (seen.has(entry[name])) refuse([...path, index, name], 'expected a value that no other entry has', entry[name]);
    seen.add(entry[name]);
  }
}
