import type { IncomingMessage } from 'node:http';
import { RequestError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { PublicOrigin } from '../public_origin.ts';
import { checkPage } from './check_page.ts';
import { createFindClient } from './client.ts';
import type { EndpointName, TokenHandlerConfig } from './config.ts';
import { createLogin } from './login.ts';
import { logoutUrl, revoke } from './logout.ts';
import type { PageAnswer } from './page_answer.ts';
import { createRefresh } from './refresh.ts';
import type { SealedCookies } from './sealed_cookies.ts';
import { createSessions } from './session.ts';

export interface TokenHandlerDependencies {
  readonly fetch: typeof globalThis.fetch;
  readonly sealed: SealedCookies;
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
  endSession(): string[];
}

/** @param url of the request @param origin the gateway's, as the browser knows it */
type Endpoint = (request: IncomingMessage, url: URL, origin: string) => Promise<PageAnswer>;

/**
 * Signs users of a browser application in and keeps their tokens in cookies, so that no script ever holds one
 * (OAuth 2.0 for Browser-Based Applications, section 6.1).
 *
 * @param timeout milliseconds for each call to the authorization server
 */
export function createTokenHandler(
  config: TokenHandlerConfig,
  timeout: number,
  dependencies: TokenHandlerDependencies,
): TokenHandler {
  const { sealed, publicOrigin, log, now } = dependencies;
  const findClient = createFindClient(config, timeout, dependencies);
  const sessions = createSessions(config, sealed, now);
  const login = createLogin(config, { findClient, sealed, sessions, now });
  const refresh = createRefresh(findClient);
  const page = { origins: new Set(config.origins), csrfHeader: config.csrfHeader.toLowerCase() };

  /** For pages of the application only, whoever's cookies a request brings. */
  const forPages = (endpoint: Endpoint): Endpoint => {
    return async (request, url, origin) => {
      checkPage(request, origin, page);
      return endpoint(request, url, origin);
    };
  };

  async function logOut(request: IncomingMessage, _url: URL, origin: string): Promise<PageAnswer> {
    const session = await sessions.read(request).catch(() => undefined);
    // Whether or not the authorization server can be told, this browser's cookies go.
    if (session?.refreshToken !== undefined) {
      await revoke(findClient, session.refreshToken).catch((error: Error) =>
        log.warn({ reason: error.message }, 'a refresh token could not be revoked at logout'),
      );
    }
    const url = await findClient().then(
      (client) => logoutUrl(client, config, origin),
      () => undefined,
    );
    return { json: { logout_url: url }, cookies: sessions.end() };
  }

  const endpoints: Record<EndpointName, [method: string, Endpoint]> = {
    login: ['GET', (_request, url, origin) => login.begin(url, origin)],
    callback: ['GET', (request, url) => login.complete(url, request)],
    session: ['GET', forPages(async (request) => ({ json: { claims: (await sessions.read(request)).claims } }))],
    refresh: [
      'POST',
      forPages(async (request) => {
        const session = await sessions.read(request);
        return { cookies: await sessions.keep(session, await refresh(session)) };
      }),
    ],
    logout: ['POST', forPages(logOut)],
  };

  return {
    async answer(name, request) {
      const [method, endpoint] = endpoints[name];
      if (request.method !== method) {
        throw new RequestError('method_not_allowed', `this page is served to ${method} only`);
      }
      const origin = publicOrigin(request);
      if (origin === undefined) throw new RequestError('invalid_request', 'the Host header names no host');
      return endpoint(request, new URL(request.url ?? '/', origin), origin);
    },
    endSession: () => sessions.end(),
  };
}
