import { mediaTypeOf } from '@tallystick/common';
import { ResourceServerError, ValidationUnavailableError } from './errors.ts';

/** The largest answer that is read, in bytes after content decoding. */
const maximumBytes = 1024 * 1024;

/** One exchange with the authorization server. */
export interface JsonExchange {
  /** What is asked, as it is called in error descriptions: "the JWKS". */
  readonly subject: string;
  readonly url: string;
  readonly init?: RequestInit;
  /** Milliseconds for the whole exchange, body included. */
  readonly timeout: number;
  /** The media type that the answer must have; any, if not given. */
  readonly mediaType?: string;
  /** What is thrown for an answer of status 200 that is not as it should be. Default: ValidationUnavailableError. */
  readonly invalid?: (description: string) => ResourceServerError;
  readonly fetch: typeof globalThis.fetch;
}

/** The answer; `json` is there only with status 200. */
export interface JsonAnswer {
  readonly status: number;
  readonly json: unknown;
}

/**
 * Fetches a JSON document from the authorization server, trusting the network with nothing: redirects are not followed, time
 * and size are bounded.
 *
 * @throws ValidationUnavailableError when there is no answer in time, and what `invalid` makes when status 200 comes with anything but
 *   JSON. What was received is in neither the message nor the cause: it may hold claims.
 */
export async function fetchJson(exchange: JsonExchange): Promise<JsonAnswer> {
  const { subject, url, init, timeout, mediaType, fetch } = exchange;
  const { invalid = (description: string) => new ValidationUnavailableError(description) } = exchange;
  const signal = AbortSignal.timeout(timeout);
  try {
    const response = await fetch(url, { ...init, redirect: 'manual', signal });
    if (response.status !== 200) {
      await response.body?.cancel();
      return { status: response.status, json: undefined };
    }
    if (mediaType !== undefined && mediaTypeOf(response.headers.get('content-type')) !== mediaType) {
      await response.body?.cancel();
      throw invalid(`${subject} did not answer with ${mediaType}`);
    }
    const body = await readBody(response);
    if (body === undefined) throw invalid(`${subject} answered with more than 1 MiB`);
    const json = parse(body);
    if (json === undefined) throw invalid(`${subject} did not answer with JSON`);
    return { status: 200, json };
  } catch (cause) {
    if (cause instanceof ResourceServerError) throw cause;
    throw new ValidationUnavailableError(`${subject} could not be reached`, { cause });
  }
}

/** @returns undefined when it is too long */
async function readBody(response: Response): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the stream.
    if (bytes > maximumBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** @returns undefined for what is not JSON; the SyntaxError would quote it */
function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
