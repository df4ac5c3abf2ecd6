/**
 * Whether `htu` matches the URI of a request (RFC 9449 section 4.3, check 9), without query and fragment, and after the
 * normalization of RFC 3986 sections 6.2.2 and 6.2.3.
 *
 * @param uri the URI of the request; if it is unknown (undefined), nothing matches
 */
export function sameUri(htu: string, uri: string | undefined): boolean {
  const expected = uri === undefined ? undefined : normalized(uri);
  return expected !== undefined && normalized(htu) === expected;
}

function normalized(text: string): string | undefined {
  // The parser would repair characters that no URI contains: a backslash becomes a slash, a line break disappears.
  if (/[^\x21-\x7e]|\\/.test(text) || !/^https?:\/\/[^/]/i.test(text) || !URL.canParse(text)) return undefined;
  const { origin, pathname, username, password } = new URL(text);
  if (username !== '' || password !== '') return undefined;
  return `${origin}${pathname.replace(/%[0-9A-Fa-f]{2}/g, normalizedEscape)}`;
}

/** RFC 3986 section 6.2.2: decodes unreserved characters; writes other escapes in upper case. */
function normalizedEscape(triplet: string): string {
  const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16));
  return /[A-Za-z0-9\-._~]/.test(character) ? character : triplet.toUpperCase();
}
