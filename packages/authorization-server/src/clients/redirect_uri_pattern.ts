/** What a `*` in the host stands for: part of one label. */
const PART_OF_LABEL = /^[a-z0-9-]+$/;

/** What a `*` in the path stands for: part of one segment, without percent-encoding. */
const PART_OF_SEGMENT = /^[\w.~-]+$/;

/** Whether a redirect URI is a pattern. */
export function isPattern(uri: string): boolean {
  return uri.includes('*');
}

/**
 * Checks a pattern. A `*` may stand for part of one label of the host or of one segment of the path. The last two labels are
 * fixed, so that nobody can register a host that matches. Before `localhost`, one label is enough.
 *
 * @returns what is expected instead; undefined for a good pattern
 */
export function findPatternProblem(pattern: string): string | undefined {
  const url = parse(pattern);
  if (url === undefined || !/^https?:$/.test(url.protocol))
    return 'expected an http or https URL in its normal form, without user and fragment';
  const labels = url.hostname.split('.');
  const fixed = labels.at(-1) === 'localhost' ? 1 : 2;
  const domain = labels.slice(-fixed);
  if (domain.length < fixed || domain.some(isPattern))
    return 'expected a `*` only before the domain, as in *.example.com';
  if (isPattern(url.search)) return 'expected a `*` only in the host or the path';
  if ([...labels, ...url.pathname.split('/')].some((part) => part.split('*').length > 2))
    return 'expected at most one `*` in each part of the host and the path';
  return undefined;
}

/**
 * Whether a redirect URI matches a pattern. Host and path are compared part by part, in linear time. A redirect URI that is not in
 * its normal form never matches: a browser could read it in another way.
 */
export function matchesPattern(pattern: string, uri: string): boolean {
  const [expected, given] = [parse(pattern), parse(uri)];
  if (expected === undefined || given === undefined || isPattern(uri)) return false;
  return (
    (['protocol', 'port', 'search'] as const).every((part) => expected[part] === given[part]) &&
    matchParts(expected.hostname.split('.'), given.hostname.split('.'), PART_OF_LABEL) &&
    matchParts(expected.pathname.split('/'), given.pathname.split('/'), PART_OF_SEGMENT)
  );
}

/** Whether an origin (RFC 6454) is the one of a redirect URI that matches a pattern. */
export function matchesOriginOfPattern(pattern: string, origin: string): boolean {
  const expected = URL.parse(pattern)?.origin;
  return expected !== undefined && matchesPattern(`${expected}/`, `${origin}/`);
}

/** @returns undefined for a URL with user or fragment, and for one that the URL parser changes */
function parse(uri: string): URL | undefined {
  const url = URL.parse(uri);
  if (url === null || url.username !== '' || url.password !== '' || uri.includes('#')) return undefined;
  return url.href === uri || url.href === `${uri}/` ? url : undefined;
}

function matchParts(patterns: readonly string[], parts: readonly string[], allowed: RegExp): boolean {
  return (
    patterns.length === parts.length &&
    patterns.every((pattern, index) => matchesPart(pattern, parts[index] as string, allowed))
  );
}

function matchesPart(pattern: string, part: string, allowed: RegExp): boolean {
  const star = pattern.indexOf('*');
  if (star < 0) return pattern === part;
  const [before, after] = [pattern.slice(0, star), pattern.slice(star + 1)];
  if (part.length < pattern.length || !part.startsWith(before) || !part.endsWith(after)) return false;
  return allowed.test(part.slice(before.length, part.length - after.length));
}
