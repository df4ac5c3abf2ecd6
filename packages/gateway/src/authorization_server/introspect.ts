import type { Log } from '@tallystick/common';
import { listMembers } from '@tallystick/common';
import {
  InvalidValidatorResponseError,
  type RemoteJwks,
  ValidationUnavailableError,
} from '@tallystick/resource-server';
import { BrokenCircuitError, CircuitState, ConsecutiveBreaker, circuitBreaker, handleType } from 'cockatiel';
import type { CircuitBreakerConfig, IntrospectionClient, IntrospectionConfig } from '../config/introspection.ts';
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

/** How the gateway introspects at one authorization server. */
export interface IntrospectOptions extends IntrospectionConfig {
  readonly endpoint: string;
  /** Its issuer identifier. */
  readonly issuer: string;
  readonly client: IntrospectionClient;
  /** Milliseconds in total: for the wait in the queue, the request and its retry. */
  readonly timeout: number;
  /** Members of an answer that hold scopes. */
  readonly scopeClaims: readonly string[];
  /** JWS algorithms of signed answers. Default: `defaultJwtAlgorithms`. */
  readonly algorithms?: readonly string[] | undefined;
}

export interface IntrospectDependencies {
  /** Keys of the authorization server, for signed answers. */
  readonly jwks: Pick<RemoteJwks, 'getKey'>;
  readonly fetch: typeof globalThis.fetch;
  /** The proxy for calls with a client certificate. Default: none. */
  readonly proxyFor?: ((url: string) => string | undefined) | undefined;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** The answer about an active token: the JWT behind it, or its introspection. */
export type IntrospectionAnswer = ({ readonly jwt: string } | { readonly introspection: TokenIntrospection }) & {
  /** Seconds for which the answer may be cached; 0 for not at all, also when the answer does not say. */
  readonly maxAge: number;
};

/**
 * Asks the authorization server about a client-held token.
 *
 * @returns undefined when the token is not active
 * @throws {ValidationUnavailableError} when there is no answer
 * @throws {InvalidValidatorResponseError} for an invalid answer
 * @throws {ValidatorRefusedError} when the gateway's own credentials are refused
 */
export type Introspect = (lookup: Lookup) => Promise<IntrospectionAnswer | undefined>;

type CircuitName = 'closed' | 'open' | 'half-open';

/** The load of introspection at one authorization server. */
export interface IntrospectionLoad {
  /** State of the circuit breaker. `open`: the server was down, and gets no requests for a moment. */
  readonly circuit: CircuitName;
  /** Number of introspections in progress, and of those in the queue. */
  readonly running: number;
  readonly waiting: number;
}

export interface Introspection {
  readonly introspect: Introspect;
  load(): IntrospectionLoad;
}

/** @throws {TypeError} for a client whose key or certificate cannot be used */
export function createIntrospection(options: IntrospectOptions, dependencies: IntrospectDependencies): Introspection {
  const { endpoint, issuer, client, timeout, accept, maxAge } = options;
  const { jwks, log, now } = dependencies;
  const requestIntrospection = createRequestIntrospection(
    { endpoint, accept },
    {
      authenticate: createClientAuthentication({ client, issuer }, { now }),
      fetch:
        client.certificate === undefined
          ? dependencies.fetch
          : createCertificateFetch(client, dependencies.proxyFor?.(endpoint)),
      now,
    },
  );
  const { scopeClaims, algorithms } = options;
  const readSigned = createReadSignedIntrospection(
    { issuer, clientId: client.id, algorithms, scopeClaims },
    { jwks, now },
  );
  const queue = createFairQueue({ maxRunning: options.maxConcurrent, maxWaiting: options.maxWaiting });
  const breaker = createBreaker(options.circuitBreaker, (state) => {
    if (state === 'open') log.warn({ issuer }, 'authorization server is down, circuit breaker opened');
    if (state === 'closed') log.info({ issuer }, 'authorization server is back, circuit breaker closed');
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
    throw new InvalidValidatorResponseError('the authorization server answered without the requested JWT');
  }

  return {
    async introspect({ credentials: { token }, sender, decision }) {
      // Several requests may wait for this one, so no client can abort it: only its own timeout does. The timer is cleared at the end.
      // In a flood, signals that live until their timeout take more memory than anything else.
      const controller = new AbortController();
      const timer = setTimeout(() => controller.abort(new DOMException('too slow', 'TimeoutError')), timeout);
      const { signal } = controller;
      try {
        const response = await queue.run(sender, signal, () =>
          breaker.run(() => requestIntrospection(token, signal, decision.trace)),
        );
        const answer = response.body === undefined ? undefined : await read(response);
        if (answer === undefined && response.problem !== undefined) decision.tokenProblem = response.problem;
        return answer;
      } finally {
        clearTimeout(timer);
      }
    },
    load: () => ({ circuit: breaker.state(), running: queue.running, waiting: queue.waiting }),
  };
}

/**
 * Sends no requests to an authorization server that is down: it can recover, and clients need not wait. Only
 * {@link AuthorizationServerDownError} counts as a failure. An inactive token, or an error that one strange token provokes, does not:
 * an attacker could open the circuit with it.
 */
function createBreaker({ failures, pause }: CircuitBreakerConfig, onChange: (state: CircuitName) => void) {
  if (failures === 0) return { run: <T>(task: () => Promise<T>) => task(), state: () => 'closed' as const };
  const breaker = circuitBreaker(handleType(AuthorizationServerDownError), {
    breaker: new ConsecutiveBreaker(failures),
    halfOpenAfter: pause,
  });
  breaker.onStateChange((state) => onChange(nameOf(state)));

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
 * How long an answer may be cached (RFC 9111 section 5.2.2). There is no heuristic: without `max-age` it is not cached.
 *
 * @returns seconds
 */
function maxAgeOf(cacheControl: string | null): number {
  const directives = listMembers((cacheControl ?? '').toLowerCase());
  if (directives.includes('no-store') || directives.includes('no-cache')) return 0;
  const seconds = directives.map((directive) => /^max-age="?(\d{1,10})"?$/.exec(directive)?.[1]).find(Boolean);
  return Number(seconds ?? 0);
}
