import { mediaTypeOf } from './header_grammar.ts';
import { readBody } from './read_body.ts';

/** Maximum size of a response in bytes, after content decoding. */
const MAX_BYTES = 1024 * 1024;

/** One request to an authorization server. */
export interface JsonExchange {
  /** Name of the document in error descriptions, such as "the JWKS". */
  readonly subject: string;
  readonly url: string;
  readonly init?: RequestInit;
  /** Milliseconds for request and response, body included. */
  readonly timeout: number;
  /** Required media type of the response. Default: any. */
  readonly mediaType?: string;
  /** Makes the error for a request that got no response. */
  readonly unavailable: (description: string, options?: { readonly cause?: unknown }) => Error;
  /** Makes the error for a malformed response with status 200. Default: `unavailable`. */
  readonly invalid?: (description: string) => Error;
  readonly fetch: typeof globalThis.fetch;
}

/** The response. `json` is set only if the status is 200. */
export interface JsonAnswer {
  readonly status: number;
  readonly json: unknown;
}

/**
 * Fetches a JSON document from an authorization server. Redirects are not followed; time and size are limited.
 *
 * @throws the error of `unavailable` if there is no response in time, and the error of `invalid` if a response with status 200 is not
 *   JSON. Neither the message nor the cause contains received data, because it may contain claims.
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
  /** Why the body was not read. */
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
  const body = await readBody(response.body, MAX_BYTES);
  return body === undefined ? { status, fault: 'answered with more than 1 MiB' } : { status, body };
}

/** @returns undefined if it is not JSON; a SyntaxError would quote the body */
function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
