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
import { createFindClient, logoutUrl, revoke, type SignInServer } from './client.ts';
import { answeringForTheStore, createEndedSessions } from './ended_sessions.ts';
import { createLogin, type PageAnswer } from './login.ts';
import { createRefresh } from './refresh.ts';
import { createSessions, type Session, type Tokens } from './session.ts';

export interface TokenHandlerDependencies {
  readonly fetch: typeof globalThis.fetch;
  readonly sealed: SealedCookies;
  /** What all gateways know that open each other's cookies. */
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
   * @throws {ResourceServerError} when it is refused
   */
  answer(endpoint: EndpointName, request: IncomingMessage): Promise<PageAnswer>;
  /** @returns the `Set-Cookie` headers that end a session */
  endSession(request: IncomingMessage): string[];
}

/** @param url of the request @param origin the gateway's, as the browser knows it */
type Endpoint = (request: IncomingMessage, url: URL, origin: string) => Promise<PageAnswer>;

/**
 * Signs users of a browser application in and keeps their tokens in cookies, so that no script ever holds one
 * (OAuth 2.0 for Browser-Based Applications, section 6.1).
 */
export function createTokenHandler(
  config: TokenHandlerConfig,
  server: SignInServer,
  dependencies: TokenHandlerDependencies,
): TokenHandler {
  const { sealed, publicOrigin, log, now } = dependencies;
  const findClient = createFindClient(config, server, dependencies);
  const sessions = createSessions(config, sealed, now);
  const login = createLogin(config, { findClient, sealed, sessions, now });
  const shared = answeringForTheStore(dependencies.sharedValues);
  const ended = createEndedSessions(config.sessionLifetime, shared, now);
  const refresh = createRefresh(server.timeout, { findClient, shared, log });
  const page = { origins: new Set(config.origins), csrfHeader: config.csrfHeader.toLowerCase() };

  /** For pages of the application only, whoever's cookies a request brings. */
  const forPages = (endpoint: Endpoint): Endpoint => {
    return async (request, url, origin) => {
      checkCsrf(request, origin, page);
      return endpoint(request, url, origin);
    };
  };

  async function readOpen(request: IncomingMessage): Promise<Session> {
    const session = await sessions.read(request);
    await ended.expectOpen(session);
    return session;
  }

  async function end(session: Session): Promise<void> {
    await ended
      .add(session)
      .catch((error: Error) =>
        log.warn({ reason: error.message }, 'a session could not be ended for copies of its cookie'),
      );
  }

  /** With a refresh token goes all that was issued under its grant (RFC 7009 section 2.1). */
  async function revokeGrant(refreshToken: string | undefined): Promise<void> {
    if (refreshToken === undefined) return;
    await revoke(findClient, refreshToken).catch((error: Error) =>
      log.warn({ reason: error.message }, 'a refresh token could not be revoked at logout'),
    );
  }

  /** New tokens for the session, if it is not over by then: a logout wins over a refresh that was under way. */
  async function renew(request: IncomingMessage): Promise<PageAnswer> {
    const session = await readOpen(request);
    let tokens: Tokens;
    try {
      tokens = await refresh(session);
    } catch (error) {
      // A session that cannot be continued is none, wherever there is a copy of its cookie.
      if (error instanceof AccessTokenError) await end(session);
      throw error;
    }
    try {
      await ended.expectOpen(session);
    } catch (error) {
      if (error instanceof AccessTokenError) await revokeGrant(tokens.refresh_token);
      throw error;
    }
    return { cookies: await sessions.keep(request, session, tokens) };
  }

  async function logOut(request: IncomingMessage, _url: URL, origin: string): Promise<PageAnswer> {
    const session = await sessions.read(request).catch(() => undefined);
    // Whether or not the store and the authorization server can be told, this browser's cookies go.
    if (session !== undefined) {
      await end(session);
      await revokeGrant(session.refreshToken);
    }
    const url = await findClient().then(
      (client) => logoutUrl(client, config, origin),
      () => undefined,
    );
    return { json: { logout_url: url }, cookies: sessions.end(request) };
  }

  const endpoints: Record<EndpointName, [method: string, Endpoint]> = {
    login: ['GET', (request, url, origin) => login.begin(request, url, origin)],
    callback: ['GET', (request, url) => login.complete(url, request)],
    session: ['GET', forPages(async (request) => ({ json: { claims: (await readOpen(request)).claims } }))],
    refresh: ['POST', forPages(renew)],
    logout: ['POST', forPages(logOut)],
  };

  return {
    async answer(name, request) {
      const [method, endpoint] = endpoints[name];
      if (request.method !== method) {
        throw new RequestError('method_not_allowed', `this page is served to ${method} only`);
      }
      if (hasTooManyParameters(request.url?.split('?')[1] ?? '')) {
        throw new RequestError('invalid_request', `the request has more than ${MAX_PARAMETERS} parameters`);
      }
      const origin = publicOrigin(request);
      if (origin === undefined) throw new RequestError('invalid_request', 'the Host header names no host');
      return endpoint(request, new URL(request.url ?? '/', origin), origin);
    },
    endSession: (request) => sessions.end(request),
  };
}
