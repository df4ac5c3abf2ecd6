import { containsText, findTargetFault } from '@tallystick/common';
import { RequestError } from '../http/errors.ts';

/** The path of a request, as it was sent and as a server may understand it. */
export interface RequestPath {
  /** Without the query. Otherwise byte for byte. */
  readonly literal: string;
  /**
   * Decoded until nothing is left to decode, with `\` for `/`, without path parameters and empty segments, each segment up to a
   * NUL, without blanks around it and dots at its end (as Windows has file names) and without a stream, in lower case, in ASCII where
   * it looks like it: all that servers are known to do before they look for a handler.
   */
  readonly interpreted: string;
}

const encoded = /%[0-9A-Fa-f]{2}/;
const allEncoded = /(?:%[0-9A-Fa-f]{2})+/g;

/** Each time is work of the length of the path, and `%252525…` could ask for as many times as it is long. */
const maximumEncodings = 5;

/** Path parameters; what a string ends with in C; the streams of a file on Windows. */
const wherePartEnds = /[;\0]|::\$/;

/** A path in which nothing can be understood in two ways, but for upper and lower case. */
const ordinary = /^(?:\/[\w~-]+)*\/?$/;

/**
 * Reads the request target in origin form (RFC 9112 section 3.2.1), the only one that is served.
 *
 * @throws {RequestError} `invalid_request` for any other form; for what no URL can contain; for broken or endless percent-encoding; and for
 *   dot-segments, however they are written: the path goes upstream as it is, and must not leave its prefix there
 */
export function readRequestPath(target: string): RequestPath {
  const fault = findTargetFault(target);
  if (fault !== undefined) throw new RequestError('invalid_request', fault);
  const query = target.indexOf('?');
  const literal = query === -1 ? target : target.slice(0, query);
  if (ordinary.test(literal)) return { literal, interpreted: literal.toLowerCase() };

  const segments = decodeRepeatedly(literal)
    .split(/[/\\]/)
    .map((segment) => (segment.split(wherePartEnds, 1)[0] ?? '').trim());
  if (segments.includes('.') || segments.includes('..')) {
    throw new RequestError('invalid_request', 'the path must not contain dot-segments');
  }
  return { literal, interpreted: `/${segments.map(withoutEnd).filter(Boolean).map(folded).join('/')}` };
}

/** In lower case. Some servers compare in upper case, where `ı` is `I`, and some make ASCII of what looks like it. */
function folded(segment: string): string {
  return segment.normalize('NFKC').toUpperCase().toLowerCase();
}

/** Character by character: a regular expression would begin again at each of a million dots. */
function withoutEnd(segment: string): string {
  let end = segment.length;
  while (end > 0 && /[.\s]/.test(segment.charAt(end - 1))) end -= 1;
  return segment.slice(0, end);
}

/** What was encoded twice is decoded twice where one server stands behind another. There, nothing is malformed any more. */
function decodeRepeatedly(path: string): string {
  let decoded = decode(path);
  for (let times = 1; encoded.test(decoded); times += 1) {
    if (times === maximumEncodings) throw new RequestError('invalid_request', 'the path is encoded too many times');
    decoded = decoded.replace(allEncoded, decodeSomehow);
  }
  return decoded;
}

function decodeSomehow(sequence: string): string {
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
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\x00-\x1f\x7f]/.test(decoded)) {
    throw new RequestError('invalid_request', 'the path must not contain control characters');
  }
  return decoded;
}

/** Whether a request target has a text in it, in percent-encoding or without. */
export function isInTarget(text: string, target: string): boolean {
  return containsText(target, text) || (target.includes('%') && containsText(withoutEscapes(target), text));
}

/** A target with its percent-encoding undone once, for comparison only: it never fails. */
export function withoutEscapes(target: string): string {
  return target.replace(/%[0-9A-Fa-f]{2}/g, (triplet) => String.fromCharCode(Number.parseInt(triplet.slice(1), 16)));
}
