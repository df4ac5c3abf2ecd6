/**
 * Removes optional whitespace, SP and HTAB, around a text (RFC 9110 section 5.6.3, RFC 6265 section 5.2).
 *
 * `String.prototype.trim` also removes U+00A0, which browsers keep: to them, a cookie whose name begins with U+00A0 and `__Host-` does
 * not have that prefix, so that its rules do not apply.
 */
export function trimWhitespace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isWhitespace(text.charCodeAt(start))) start += 1;
  while (end > start && isWhitespace(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isWhitespace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** The members of a header that is a list (RFC 9110 section 5.6.1). */
export function listMembers(value: string): string[] {
  return value.split(',').map(trimWhitespace);
}

/** The last member of a list such as `X-Forwarded-For`: the one that the nearest proxy added. The client may have set the others. */
export function lastMember(header: string | string[] | undefined): string | undefined {
  return header === undefined ? undefined : listMembers(header.toString()).at(-1);
}

/** A token (RFC 9110 section 5.6.2), such as the name of a header or a method. */
export const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

/** The media type in `Content-Type`, in lower case and without parameters (RFC 9110 section 8.3.1). */
export function mediaTypeOf(contentType: string | null | undefined): string | undefined {
  if (contentType === null || contentType === undefined) return undefined;
  return trimWhitespace(contentType.split(';', 1)[0] ?? '').toLowerCase();
}
