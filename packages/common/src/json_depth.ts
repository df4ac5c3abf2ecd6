/** How many objects and lists of a client's JSON may lie within each other: what walks JSON by calling itself needs an end. */
export const MAX_JSON_DEPTH = 32;

/** Whether a JSON text is nested more deeply than that. It is looked at once, character by character; it need not be valid. */
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
