/**
 * Maximum number of parameters in a form or a query: more than any request needs. Parsing takes linear time, and this limit bounds it.
 */
export const MAX_PARAMETERS = 100;

const AMPERSAND = 0x26;

/** Whether a form or query string (WHATWG URL, application/x-www-form-urlencoded) has too many parameters. Nothing is decoded. */
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

/** Maximum nesting depth of a client's JSON. It bounds recursive code that reads the JSON. */
export const MAX_JSON_DEPTH = 32;

/** Whether a JSON text is nested too deeply. It is scanned once, character by character, and need not be valid. */
export function isNestedTooDeeply(text: string): boolean {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (isInString) {
      if (character === '\\') at += 1;
      else if (character === '"') isInString = false;
    } else if (character === '"') {
      isInString = true;
    } else if (character === '{' || character === '[') {
      depth += 1;
      if (depth > MAX_JSON_DEPTH) return true;
    } else if (character === '}' || character === ']') {
      depth -= 1;
    }
  }
  return false;
}

/** Up to this number of comparisons the engine's own search is faster even in its worst case. */
const MAX_BUILT_IN_COMPARISONS = 64 * 1024;

/**
 * Whether a text contains a part, in time linear in their lengths. `String.prototype.includes` can take time proportional to the product
 * of the lengths, and a client can choose both a long header and a long token.
 */
export function containsText(text: string, part: string): boolean {
  if (part.length > text.length) return false;
  if (text.length * part.length <= MAX_BUILT_IN_COMPARISONS) return text.includes(part);
  return searchLinearly(text, part);
}

/** Knuth-Morris-Pratt: after a mismatch the search continues with the longest prefix of the part that still matches. */
function searchLinearly(text: string, part: string): boolean {
  const table = prefixTable(part);
  let matched = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    while (matched > 0 && part.charCodeAt(matched) !== code) matched = table[matched - 1] ?? 0;
    if (part.charCodeAt(matched) === code) matched += 1;
    if (matched === part.length) return true;
  }
  return false;
}

/** For each prefix of the part, the length of its longest proper prefix that is also its suffix. */
function prefixTable(part: string): Uint32Array {
  const table = new Uint32Array(part.length);
  let matched = 0;
  for (let at = 1; at < part.length; at += 1) {
    const code = part.charCodeAt(at);
    while (matched > 0 && part.charCodeAt(matched) !== code) matched = table[matched - 1] ?? 0;
    if (part.charCodeAt(matched) === code) matched += 1;
    table[at] = matched;
  }
  return table;
}
