/** Up to this many comparisons the engine's own search is faster, however it searches. */
const FEW_COMPARISONS = 64 * 1024;

/**
 * Whether a text has a part in it, in time that grows with their lengths only. `String.prototype.includes` can take time that
 * grows with the product of both, and of a long header and a long token a client chooses both.
 */
export function containsText(text: string, part: string): boolean {
  if (part.length > text.length) return false;
  if (text.length * part.length <= FEW_COMPARISONS) return text.includes(part);
  return searchLinearly(text, part);
}

/** Knuth, Morris and Pratt: after a mismatch the search goes on with the longest beginning of the part that still fits. */
function searchLinearly(text: string, part: string): boolean {
  const stillFits = stillFittingAfter(part);
  let matched = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    while (matched > 0 && part.charCodeAt(matched) !== code) matched = stillFits[matched - 1] ?? 0;
    if (part.charCodeAt(matched) === code) matched += 1;
    if (matched === part.length) return true;
  }
  return false;
}

/** For each beginning of the part, how long the longest shorter beginning is that it ends with. */
function stillFittingAfter(part: string): Uint32Array {
  const fits = new Uint32Array(part.length);
  let matched = 0;
  for (let at = 1; at < part.length; at += 1) {
    const code = part.charCodeAt(at);
    while (matched > 0 && part.charCodeAt(matched) !== code) matched = fits[matched - 1] ?? 0;
    if (part.charCodeAt(matched) === code) matched += 1;
    fits[at] = matched;
  }
  return fits;
}
