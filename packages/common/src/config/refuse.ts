import type { z } from 'zod';

/** Reports a problem. @param path of the value @param message begins with `expected` @param input the value that was found */
export type Refuse = (path: (string | number)[], message: string, input: unknown) => void;

/** Reports problems as issues of zod. */
export function refusing(context: z.RefinementCtx): Refuse {
  return (path, message, input) => context.addIssue({ code: 'custom', path, message, input });
}

/** Refuses entries of a list that share a name. */
export function refuseDuplicates<Name extends string>(
  entries: readonly Record<Name, string>[],
  name: Name,
  path: (string | number)[],
  refuse: Refuse,
): void {
  const seen = new Set<string>();
  for (const [index, entry] of entries.entries()) {
    if (seen.has(entry[name]))
      refuse([...path, index, name], 'expected another value: an earlier entry has this one', entry[name]);
    seen.add(entry[name]);
  }
}
