import { listMembers } from '@tallystick/common';

/**
 * How long an answer may be cached (RFC 9111 section 5.2.2). Freshness is never guessed: without `max-age` it is not at all.
 *
 * @returns seconds
 */
export function maxAgeOf(cacheControl: string | null): number {
  const directives = listMembers((cacheControl ?? '').toLowerCase());
  if (directives.includes('no-store') || directives.includes('no-cache')) return 0;
  const seconds = directives.map((directive) => /^max-age="?(\d{1,10})"?$/.exec(directive)?.[1]).find(Boolean);
  return Number(seconds ?? 0);
}
