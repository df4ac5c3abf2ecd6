/**
 * The most parameters that a form or a query may have where one is read: more than any request has a use for. What walks them is
 * linear; this bounds how long the walk is.
 */
export const MAX_PARAMETERS = 100;

const AMPERSAND = 0x26;

/** Whether a form or query string (WHATWG URL, application/x-www-form-urlencoded) has too many. Nothing is decoded for it. */
export function hasTooManyParameters(text: string | Uint8Array): boolean {
  let separators = 0;
  for (let at = indexOfSeparator(text, 0); at >= 0; at = indexOfSeparator(text, at + 1)) {
    separators += 1;
    if (separators >= MAX_PARAMETERS) return true;
  }
  return false;
}

function indexOfSeparator(text: string | Uint8Array, from: number): number {
  return typeof text === 'string' ? text.indexOf('&', from) : text.indexOf(AMPERSAND, from);
}
