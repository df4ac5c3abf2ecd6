import { containsText, findTargetFault } from '@tallystick/common';
import { RequestError } from '../http/errors.ts';

/** The path of a request, as it was sent and as a server may interpret it. */
export interface RequestPath {
  /** The path without the query, byte for byte. */
  readonly literal: string;
  /**
   * The path after every normalization that servers are known to perform: repeated percent-decoding; `/` for `\`; without path parameters
   * and empty segments; each segment up to a NUL, without surrounding whitespace, without trailing dots and without a stream name (as in
   * Windows file names); in lower case; with ASCII characters in place of similar ones (NFKC).
   */
  readonly interpreted: string;
}

const escaped = /%[0-9A-Fa-f]{2}/;
const escapeSequences = /(?:%[0-9A-Fa-f]{2})+/g;

/** Each round takes time linear in the length of the path, and `%252525…` could require as many rounds as it is long. */
const maximumEncodings = 5;

/** The end of a segment: path parameters; NUL, which ends a string in C; stream names of files on Windows. */
const segmentEnd = /[;\0]|::\$/;

/** A path that all servers interpret in the same way, apart from upper and lower case. */
const unambiguous = /^(?:\/[\w~-]+)*\/?$/;

/**
 * Reads a request target in origin form (RFC 9112 section 3.2.1), the only supported form.
 *
 * @throws {RequestError} `invalid_request` for any other form; for characters that no URL contains; for malformed or excessively repeated
 *   percent-encoding; and for dot-segments in any encoding, because the path is forwarded unchanged and must stay below its prefix
 */
export function readRequestPath(target: string): RequestPath {
  const fault = findTargetFault(target);
  if (fault !== undefined) throw new RequestError('invalid_request', fault);
  const query = target.indexOf('?');
  const literal = query === -1 ? target : target.slice(0, query);
  if (unambiguous.test(literal)) return { literal, interpreted: literal.toLowerCase() };

  const segments = decodeRepeatedly(literal)
    .split(/[/\\]/)
    .map((segment) => (segment.split(segmentEnd, 1)[0] ?? '').trim());
  if (segments.includes('.') || segments.includes('..')) {
    throw new RequestError('invalid_request', 'the path must not contain dot-segments');
  }
  return { literal, interpreted: `/${segments.map(trimDots).filter(Boolean).map(foldCase).join('/')}` };
}

/** Folds case through upper case, because some servers compare in upper case, where `ı` is `I`. */
function foldCase(segment: string): string {
  return segment.normalize('NFKC').toUpperCase().toLowerCase();
}

/** Removes trailing dots and whitespace. A regular expression would take quadratic time for a million dots. */
function trimDots(segment: string): string {
  let end = segment.length;
  while (end > 0 && /[.\s]/.test(segment.charAt(end - 1))) end -= 1;
  return segment.slice(0, end);
}

/** Decodes repeatedly, as several servers in a row do. Malformed sequences are an error in the first round only. */
function decodeRepeatedly(path: string): string {
  let decoded = decode(path);
  for (let rounds = 1; escaped.test(decoded); rounds += 1) {
    if (rounds === maximumEncodings) throw new RequestError('invalid_request', 'the path is encoded too many times');
    decoded = decoded.replace(escapeSequences, decodeLeniently);
  }
  return decoded;
}

function decodeLeniently(sequence: string): string {
  try {
    return decodeURIComponent(sequence);
  } catch {
    return Buffer.from(sequence.replaceAll('%', ''), 'hex').toString('latin1');
  }
}

function decode(path: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    throw new RequestError('invalid_request', 'the percent-encoding of the path is not UTF-8');
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the expression detects control characters
  if (/[\x00-\x1f\x7f]/.test(decoded)) {
    throw new RequestError('invalid_request', 'the path must not contain control characters');
  }
  return decoded;
}

/** Whether a request target contains a text, percent-encoded or not. */
export function isInTarget(text: string, target: string): boolean {
  return containsText(target, text) || (target.includes('%') && containsText(withoutEscapes(target), text));
}

/** Decodes a target once, for comparison only. It never throws. */
export function withoutEscapes(target: string): string {
  return target.replace(/%[0-9A-Fa-f]{2}/g, (triplet) => String.fromCharCode(Number.parseInt(triplet.slice(1), 16)));
}
