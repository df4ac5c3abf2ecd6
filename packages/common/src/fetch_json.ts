import { mediaTypeOf } from './header_grammar.ts';
import { readBody } from './read_body.ts';

/** The largest answer that is read, in bytes after content decoding. */
const maximumBytes = 1024 * 1024;

/** One exchange with an authorization server. */
export interface JsonExchange {
  /** What is asked, as it is called in error descriptions: "the JWKS". */
  readonly subject: string;
  readonly url: string;
  readonly init?: RequestInit;
  /** Milliseconds for the whole exchange, body included. */
  readonly timeout: number;
  /** The media type that the answer must have; any, if not given. */
  readonly mediaType?: string;
  /** Makes the error for an exchange without an answer. */
  readonly unavailable: (description: string, options?: { readonly cause?: unknown }) => Error;
  /** Makes the error for an answer of status 200 that is not as it should be. Default: `unavailable`. */
  readonly invalid?: (description: string) => Error;
  readonly fetch: typeof globalThis.fetch;
}

/** The answer; `json` is there only with status 200. */
export interface JsonAnswer {
  readonly status: number;
  readonly json: unknown;
}

/**
 * Fetches a JSON document from an authorization server, trusting the network with nothing: redirects are not followed, time and
 * size are bounded.
 *
 * @throws what `unavailable` makes when there is no answer in time, and what `invalid` makes when status 200 comes with anything but
 *   JSON. What was received is in neither the message nor the cause: it may hold claims.
 */
export async function fetchJson(exchange: JsonExchange): Promise<JsonAnswer> {
  const { subject, unavailable, invalid = unavailable } = exchange;
  const { status, fault, body } = await receive(exchange).catch((cause: unknown) => {
    throw unavailable(`${subject} could not be reached`, { cause });
  });
  if (status !== 200) return { status, json: undefined };
  const json = body === undefined ? undefined : parse(body);
  if (json === undefined) throw invalid(`${subject} ${fault ?? 'did not answer with JSON'}`);
  return { status, json };
}

interface Received {
  readonly status: number;
  /** Why there is no body. */
  readonly fault?: string;
  readonly body?: Buffer;
}

async function receive({ url, init, timeout, mediaType, fetch }: JsonExchange): Promise<Received> {
  const response = await fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(timeout) });
  const { status, headers } = response;
  const isExpected = mediaType === undefined || mediaTypeOf(headers.get('content-type')) === mediaType;
  if (status !== 200 || !isExpected) {
    await response.body?.cancel();
    return { status, fault: `did not answer with ${mediaType}` };
  }
  const body = await readBody(response.body, maximumBytes);
  return body === undefined ? { status, fault: 'answered with more than 1 MiB' } : { status, body };
}

/** @returns undefined for what is not JSON; the SyntaxError would quote it */
function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
