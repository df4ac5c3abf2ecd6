import type { IncomingMessage } from 'node:http';
import type { Log } from '@tallystick/common';
import { hasTooManyParameters, MAX_PARAMETERS } from '@tallystick/common';
import { AccessTokenError } from '@tallystick/resource-server';
import type { SharedValues } from '@tallystick/token-store';
import type { EndpointName, TokenHandlerConfig } from '../config/token_handler.ts';
import { checkCsrf } from '../http/csrf.ts';
import { RequestError } from '../http/errors.ts';
import type { PublicOrigin } from '../http/public_origin.ts';
import type { SealedCookies } from '../http/sealed_cookies.ts';
import { createFindClient, type FindClient, logoutUrl, revoke, type SignInServer } from './client.ts';
import { createEndedSessions, type EndedSessions, withStoreFailures } from './ended_sessions.ts';
import { createLogin, type EndpointResponse } from './login.ts';
import { createRefresh } from './refresh.ts';
import { createSessions, type Session, type Sessions } from './session.ts';

export interface TokenHandlerDependencies {
  readonly fetch: typeof globalThis.fetch;
  readonly sealed: SealedCookies;
  /** Shared by all gateways that can open each other's cookies. */
  readonly sharedValues: SharedValues;
  readonly publicOrigin: PublicOrigin;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export interface TokenHandler {
  /**
   * Answers a request for one of its endpoints.
   *
   * @throws {ResourceServerError} when the request is refused
   */
  answer(endpoint: EndpointName, request: IncomingMessage): Promise<EndpointResponse>;
  /** @returns the `Set-Cookie` headers that end a session */
  endSession(request: IncomingMessage): string[];
}

/** @param url of the request @param origin the gateway's, as the browser knows it */
type Endpoint = (request: IncomingMessage, url: URL, origin: string) => Promise<EndpointResponse>;

/**
 * Signs users of a browser application in and keeps their tokens in cookies, so that no script ever has a token
 * (OAuth 2.0 for Browser-Based Applications, section 6.1).
 */
export function createTokenHandler(
  config: TokenHandlerConfig,
  server: SignInServer,
  dependencies: TokenHandlerDependencies,
): TokenHandler {
  const { sealed, publicOrigin, now } = dependencies;
  const sessions = createSessions(config, sealed, now);
  const endpoints = createEndpoints(config, server, { ...dependencies, sessions });

  return {
    async answer(name, request) {
      const [method, endpoint] = endpoints[name];
      if (request.method !== method) {
        throw new RequestError('method_not_allowed', `this endpoint accepts ${method} only`);
      }
      if (hasTooManyParameters(request.url?.split('?')[1] ?? '')) {
        throw new RequestError('invalid_request', `the request has more than ${MAX_PARAMETERS} parameters`);
      }
      const origin = publicOrigin(request);
      if (origin === undefined) throw new RequestError('invalid_request', 'the Host header is not a valid host');
      return endpoint(request, new URL(request.url ?? '/', origin), origin);
    },
    endSession: (request) => sessions.end(request),
  };
}

function createEndpoints(
  config: TokenHandlerConfig,
  server: SignInServer,
  dependencies: TokenHandlerDependencies & { readonly sessions: Sessions },
): Record<EndpointName, [method: string, Endpoint]> {
  const { sealed, sessions, log, now } = dependencies;
  const findClient = createFindClient(config, server, dependencies);
  const shared = withStoreFailures(dependencies.sharedValues);
  const ended = createEndedSessions(config.sessionLifetime, shared, now);
  const login = createLogin(config, { findClient, sealed, sessions, now });
  const refresh = createRefresh(server.timeout, { findClient, shared, log });
  const { tryToEnd, tryToRevoke } = createCleanup(ended, findClient, log);
  const forPages = createForPages(config);

  async function readOpenSession(request: IncomingMessage): Promise<Session> {
    const session = await sessions.read(request);
    await ended.expectOpen(session);
    return session;
  }

  /** A logout during the refresh wins: the new tokens are revoked. */
  async function renew(request: IncomingMessage): Promise<EndpointResponse> {
    const session = await readOpenSession(request);
    // A session that cannot be continued ends for every copy of its cookie.
    const tokens = await refresh(session).catch(afterRefusal(() => tryToEnd(session)));
    await ended.expectOpen(session).catch(afterRefusal(() => tryToRevoke(tokens.refresh_token)));
    return { cookies: await sessions.keep(request, session, tokens) };
  }

  /** Deletes the cookies of this browser, even if the store or the authorization server cannot be reached. */
  async function logOut(request: IncomingMessage, _url: URL, origin: string): Promise<EndpointResponse> {
    const session = await sessions.read(request).catch(() => undefined);
    if (session !== undefined) {
      await tryToEnd(session);
      await tryToRevoke(session.refreshToken);
    }
    const client = await findClient().catch(() => undefined);
    const url = client && logoutUrl(client, config, origin);
    return { json: { logout_url: url }, cookies: sessions.end(request) };
  }

  return {
    login: ['GET', (request, url, origin) => login.begin(request, url, origin)],
    callback: ['GET', (request, url) => login.complete(url, request)],
    session: ['GET', forPages(async (request) => ({ json: { claims: (await readOpenSession(request)).claims } }))],
    refresh: ['POST', forPages(renew)],
    logout: ['POST', forPages(logOut)],
  };
}

/** Lets only pages of the application use an endpoint, even if a request from elsewhere brings its cookies. */
function createForPages({ origins, csrfHeader }: TokenHandlerConfig): (endpoint: Endpoint) => Endpoint {
  const page = { origins: new Set(origins), csrfHeader: csrfHeader.toLowerCase() };
  return (endpoint) => async (request, url, origin) => {
    checkCsrf(request, origin, page);
    return endpoint(request, url, origin);
  };
}

/** For `catch`: runs the cleanup if the error refuses the session, and throws the error again. */
function afterRefusal(cleanUp: () => Promise<void>): (error: unknown) => Promise<never> {
  return async (error) => {
    if (error instanceof AccessTokenError) await cleanUp();
    throw error;
  };
}

/** What happens at the end of a session, as far as possible: a failure is logged. */
function createCleanup(ended: EndedSessions, findClient: FindClient, log: Log) {
  const logFailure = (message: string) => (error: Error) => log.warn({ reason: error.message }, message);
  return {
    /** Ends the session for every copy of its cookie. */
    async tryToEnd(session: Session): Promise<void> {
      const message = 'a session could not be ended: a copy of its cookie can still be used';
      await ended.add(session).catch(logFailure(message));
    },
    /** Revokes a refresh token, and everything that was issued under its grant (RFC 7009 section 2.1). */
    async tryToRevoke(refreshToken: string | undefined): Promise<void> {
      if (refreshToken === undefined) return;
      await revoke(findClient, refreshToken).catch(logFailure('a refresh token could not be revoked'));
    },
  };
}
