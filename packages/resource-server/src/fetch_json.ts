import { mediaTypeOf } from '@tallystick/common';
import { ValidationUnavailableError } from './errors.ts';

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
  readonly fetch: typeof globalThis.fetch;
}

/** The answer; `json` is there only with status 200. */
export interface JsonAnswer {
  readonly status: number;
  readonly json: unknown;
}

/**
 * Fetches a JSON document from the authorization server, trusting the network with nothing: redirects are refused, time and
 * size are bounded.
 *
 * @throws ValidationUnavailableError when there is no answer in time, or status 200 comes with anything but JSON. What was
 *   received is in neither the message nor the cause: it may hold claims.
 */
export async function fetchJson(exchange: JsonExchange): Promise<JsonAnswer> {
  const { subject, url, init, timeout, mediaType, fetch } = exchange;
  const signal = AbortSignal.timeout(timeout);
  try {
    const response = await fetch(url, { ...init, redirect: 'error', signal });
    if (response.status !== 200) {
      await response.body?.cancel();
      return { status: response.status, json: undefined };
    }
    if (mediaType !== undefined && mediaTypeOf(response.headers.get('content-type')) !== mediaType) {
      await response.body?.cancel();
      throw new ValidationUnavailableError(`${subject} did not answer with ${mediaType}`);
    }
    return { status: 200, json: parse(subject, await readBody(subject, response)) };
  } catch (cause) {
    if (cause instanceof ValidationUnavailableError) throw cause;
    throw new ValidationUnavailableError(`${subject} could not be reached`, { cause });
  }
}

async function readBody(subject: string, response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the stream.
    if (bytes > maximumBytes) throw new ValidationUnavailableError(`${subject} answered with more than 1 MiB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parse(subject: string, body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    // The SyntaxError quotes what it could not parse, so it is not kept as the cause.
    throw new ValidationUnavailableError(`${subject} did not answer with JSON`);
  }
}
