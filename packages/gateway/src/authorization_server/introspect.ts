import type { Log } from '@tallystick/common';
import { listMembers } from '@tallystick/common';
import {
  InvalidValidatorResponseError,
  type RemoteJwks,
  ValidationUnavailableError,
} from '@tallystick/resource-server';
import { BrokenCircuitError, CircuitState, ConsecutiveBreaker, circuitBreaker, handleType } from 'cockatiel';
import type { CircuitBreakerConfig, IntrospectionClient, IntrospectionConfig } from '../config/issuer_config.ts';
import type { Lookup } from '../tokens/resolver.ts';
import { createCertificateFetch } from './certificate_fetch.ts';
import { createClientAuthentication } from './client_authentication.ts';
import { createFairQueue } from './fair_queue.ts';
import {
  AuthorizationServerDownError,
  createRequestIntrospection,
  type IntrospectionResponse,
} from './introspection_request.ts';
import { parseIntrospection, type TokenIntrospection } from './read_introspection.ts';
import { createReadSignedIntrospection } from './read_signed_introspection.ts';

/** One authorization server, as the gateway asks it. */
export interface IntrospectOptions extends IntrospectionConfig {
  readonly endpoint: string;
  /** Its issuer identifier. */
  readonly issuer: string;
  readonly client: IntrospectionClient;
  /** Milliseconds for all of it: the wait for a turn, the request, a second try. */
  readonly timeout: number;
  /** The members of an answer that hold scopes. */
  readonly scopeClaims: readonly string[];
  /** JWS algorithms of signed answers. Default: `defaultJwtAlgorithms`. */
  readonly algorithms?: readonly string[] | undefined;
}

export interface IntrospectDependencies {
  /** Keys of the authorization server, for answers that it signs. */
  readonly jwks: Pick<RemoteJwks, 'getKey'>;
  readonly fetch: typeof globalThis.fetch;
  /** The proxy for calls with a client certificate. Default: none. */
  readonly proxyFor?: ((url: string) => string | undefined) | undefined;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** What an authorization server says of an active token: the JWT behind it, or what it knows of it. */
export type IntrospectionAnswer = ({ readonly jwt: string } | { readonly introspection: TokenIntrospection }) & {
  /** Seconds for which the answer may be cached; 0 when it does not say, or says not at all. */
  readonly maxAge: number;
};

/**
 * Asks the authorization server about a client-held token.
 *
 * @returns undefined when the token is not active
 * @throws {ValidationUnavailableError} when there is no answer
 * @throws {InvalidValidatorResponseError} for an answer that cannot be believed
 * @throws {ValidatorRefusedError} when the gateway's own credentials are refused
 */
export type Introspect = (lookup: Lookup) => Promise<IntrospectionAnswer | undefined>;

type CircuitName = 'closed' | 'open' | 'half-open';

/** What is going on between the gateway and an authorization server. */
export interface IntrospectionLoad {
  /** `open`: it was down, and is left alone for a moment. */
  readonly circuit: CircuitName;
  /** Introspections under way, and those that wait for their turn. */
  readonly running: number;
  readonly waiting: number;
}

export interface Introspection {
  readonly introspect: Introspect;
  load(): IntrospectionLoad;
}

/** @throws {TypeError} for a client whose key or certificate cannot be used */
export function createIntrospection(options: IntrospectOptions, dependencies: IntrospectDependencies): Introspection {
  const { endpoint, issuer, client, timeout, accept = 'application/jwt', maxAge } = options;
  const { jwks, log, now } = dependencies;
  const requestIntrospection = createRequestIntrospection(
    { endpoint, accept },
    {
      authenticate: createClientAuthentication({ client, issuer }, { now }),
      fetch:
        'certificate' in client
          ? createCertificateFetch(client, dependencies.proxyFor?.(endpoint))
          : dependencies.fetch,
      now,
    },
  );
  const { scopeClaims, algorithms } = options;
  const readSigned = createReadSignedIntrospection(
    { issuer, clientId: client.id, algorithms, scopeClaims },
    { jwks, now },
  );
  const queue = createFairQueue({ maxRunning: options.maxConcurrent ?? 64, maxWaiting: options.maxWaiting ?? 1000 });
  const breaker = createBreaker(options.circuitBreaker ?? { failures: 10, pause: 2000 }, (state) => {
    if (state === 'open') log.warn({ issuer }, 'the authorization server is down: it is left alone for a moment');
    if (state === 'closed') log.info({ issuer }, 'the authorization server is back');
  });

  async function read({ body, mediaType, ...rest }: IntrospectionResponse): Promise<IntrospectionAnswer | undefined> {
    const answer = { maxAge: maxAge ?? maxAgeOf(rest.cacheControl) };
    if (mediaType === 'application/jwt') return { ...answer, jwt: body.trim() };
    const introspection =
      mediaType === 'application/json' ? parseIntrospection(body, scopeClaims) : await readSigned(body);
    if (introspection === undefined) return undefined;
    const jwt = introspection.phantom_token ?? introspection.jwt;
    if (jwt !== undefined) return { ...answer, jwt };
    if (accept !== 'application/jwt') return { ...answer, introspection };
    throw new InvalidValidatorResponseError('the authorization server answered without the JWT that it was asked for');
  }

  return {
    async introspect({ credentials: { token }, sender, decision: { trace } }) {
      // The request belongs to all who wait for it, so it ends by its own timeout only. That is over with it: in a flood, signals
      // that live until they would abort take more memory than anything else.
      const patience = new AbortController();
      const over = setTimeout(() => patience.abort(new DOMException('too slow', 'TimeoutError')), timeout);
      const { signal } = patience;
      try {
        const response = await queue.run(sender, signal, () =>
          breaker.run(() => requestIntrospection(token, signal, trace)),
        );
        return response && (await read(response));
      } finally {
        clearTimeout(over);
      }
    },
    load: () => ({ circuit: breaker.state(), running: queue.running, waiting: queue.waiting }),
  };
}

/**
 * Leaves an authorization server alone that is down, for its sake and that of those who would wait for it. What counts is
 * {@link AuthorizationServerDownError} only: that a token is not active, or an answer that one strange token provokes, is not for
 * an attacker to shut everybody out with.
 */
function createBreaker({ failures, pause }: CircuitBreakerConfig, announce: (state: CircuitName) => void) {
  if (failures === 0) return { run: <T>(task: () => Promise<T>) => task(), state: () => 'closed' as const };
  const breaker = circuitBreaker(handleType(AuthorizationServerDownError), {
    breaker: new ConsecutiveBreaker(failures),
    halfOpenAfter: pause,
  });
  breaker.onStateChange((state) => announce(nameOf(state)));

  async function run<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await breaker.execute(task);
    } catch (error) {
      if (!(error instanceof BrokenCircuitError)) throw error;
      const retryAfter = Math.max(1, Math.ceil(pause / 1000));
      throw new ValidationUnavailableError('the authorization server is down', { retryAfter });
    }
  }

  return { run, state: () => nameOf(breaker.state) };
}

function nameOf(state: CircuitState): CircuitName {
  if (state === CircuitState.Closed) return 'closed';
  return state === CircuitState.HalfOpen ? 'half-open' : 'open';
}

/**
 * How long an answer may be cached (RFC 9111 section 5.2.2). Freshness is never guessed: without `max-age` it is not at all.
 *
 * @returns seconds
 */
function maxAgeOf(cacheControl: string | null): number {
  const directives = listMembers((cacheControl ?? '').toLowerCase());
  if (directives.includes('no-store') || directives.includes('no-cache')) return 0;
  const seconds = directives.map((directive) => /^max-age="?(\d{1,10})"?$/.exec(directive)?.[1]).find(Boolean);
  return Number(seconds ?? 0);
}
