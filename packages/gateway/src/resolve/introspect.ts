import { ValidationUnavailableError, ValidatorRefusedError } from '@tallystick/resource-server';
import { readText } from './read_text.ts';

export interface IntrospectOptions {
  readonly endpoint: string;
  readonly client: { readonly id: string; readonly secret: string };
  /** Milliseconds for the whole exchange, the body included. */
  readonly timeout: number;
}

/** The JWT behind an active token. */
export interface IntrospectionAnswer {
  readonly jwt: string;
  /** Seconds for which the answer may be cached; 0 when it does not say, or says not at all. */
  readonly maxAge: number;
}

/**
 * Asks the authorization server for the JWT behind a client-held token.
 *
 * @returns undefined when the token is not active
 * @throws {ValidationUnavailableError} when there is no answer, or none that can be understood
 * @throws {ValidatorRefusedError} when the gateway's own credentials are refused
 */
export type Introspect = (token: string) => Promise<IntrospectionAnswer | undefined>;

/** The largest answer that is read, in bytes. */
const maximumBytes = 1024 * 1024;

/** RFC 7662 with `Accept: application/jwt`: the answer is the JWT itself, or 204 for a token that is not active. */
export function createIntrospect(
  options: IntrospectOptions,
  { fetch }: { fetch: typeof globalThis.fetch },
): Introspect {
  const { endpoint, client, timeout } = options;
  const headers = {
    Accept: 'application/jwt',
    Authorization: basicAuthorization(client),
    'Content-Type': 'application/x-www-form-urlencoded',
  };

  return async (token) => {
    // The exchange belongs to all who wait for it, so it ends by its own timeout only.
    const signal = AbortSignal.timeout(timeout);
    const body = new URLSearchParams({ token }).toString();
    try {
      const response = await fetch(endpoint, { method: 'POST', headers, body, redirect: 'error', signal });
      return await readAnswer(response);
    } catch (cause) {
      if (cause instanceof ValidationUnavailableError || cause instanceof ValidatorRefusedError) throw cause;
      throw new ValidationUnavailableError('the authorization server could not be reached', { cause });
    }
  };
}

async function readAnswer(response: Response): Promise<IntrospectionAnswer | undefined> {
  const { status } = response;
  if (status === 200 && mediaType(response) === 'application/jwt') {
    const jwt = await readText(response, maximumBytes);
    if (jwt === undefined) throw new ValidationUnavailableError('the authorization server answered with too much');
    return { jwt: jwt.trim(), maxAge: maxAge(response.headers.get('cache-control')) };
  }
  await response.body?.cancel();
  if (status === 204) return undefined;
  if (status === 401 || status === 403) {
    throw new ValidatorRefusedError("the authorization server refused the gateway's credentials");
  }
  throw new ValidationUnavailableError(
    status === 200
      ? 'the authorization server did not answer with a JWT'
      : `the authorization server answered with status ${status}`,
  );
}

/** RFC 6749 section 2.3.1: both parts are form-encoded first. */
function basicAuthorization({ id, secret }: { id: string; secret: string }): string {
  const encode = (text: string) => new URLSearchParams({ '': text }).toString().slice(1);
  return `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString('base64')}`;
}

function mediaType(response: Response): string | undefined {
  return response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
}

/** RFC 9111 section 5.2.2. Freshness is never guessed: without `max-age` nothing is cached. */
function maxAge(cacheControl: string | null): number {
  const directives = (cacheControl ?? '')
    .toLowerCase()
    .split(',')
    .map((directive) => directive.trim());
  if (directives.includes('no-store') || directives.includes('no-cache')) return 0;
  const seconds = directives.map((directive) => /^max-age="?(\d{1,10})"?$/.exec(directive)?.[1]).find(Boolean);
  return Number(seconds ?? 0);
}
