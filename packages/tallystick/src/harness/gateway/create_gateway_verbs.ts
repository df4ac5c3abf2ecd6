import type { Config } from '../../config/schema.ts';
import type { ManagedClock } from '../clock/create_clock.ts';
import { InputError } from '../input_error.ts';
import type { TokenVerbs } from '../tokens/create_token_verbs.ts';
import { Token } from '../tokens/token.ts';
import type { TokenRequest } from '../tokens/token_request.ts';
import { UnknownNameError } from '../unknown_name.ts';

/** A call through the gateway: everything that `fetch` takes, and the access token. */
export interface CallOptions extends RequestInit {
  /** The user who calls: any name. */
  readonly as?: string | undefined;
  /** The client that calls. Default: without `as` no token is sent; with it, as for `token`. */
  readonly client?: string | undefined;
  /** Default: the API of the route. */
  readonly api?: string | undefined;
  /** Default: all scopes of the API. */
  readonly scopes?: readonly string[] | undefined;
  /** Claims in addition to the configured ones. */
  readonly claims?: TokenRequest['claims'];
  /** A token to send instead. */
  readonly token?: string | Token | undefined;
  /** Issues a new token. Default: calls of the same user, client, API, scopes and claims share a token. */
  readonly newToken?: boolean | undefined;
}

export interface GatewayVerbs {
  /**
   * Calls an API through the gateway, with an access token for the user `as`.
   *
   * @param path path and query, such as `/orders?open=true`
   * @throws {UnknownNameError} no route matches, so nothing says which API the token is for
   * @throws {InputError}
   */
  fetch(path: string, options?: CallOptions): Promise<Response>;
}

type Routes = readonly Config['gateway']['routes'][number][];

export interface GatewayVerbsDependencies {
  readonly issuer: () => string;
  /** Base URL of the APIs at the gateway; undefined if this process has no gateway. */
  readonly gatewayUrl: () => string | undefined;
  readonly routes: () => Routes;
  readonly token: TokenVerbs['token'];
  readonly clock: Pick<ManagedClock, 'now'>;
  readonly fetch: typeof globalThis.fetch;
}

export interface ManagedGatewayVerbs extends GatewayVerbs {
  /** Forgets the tokens of earlier calls. */
  forgetTokens(): void;
}

export function createGatewayVerbs(dependencies: GatewayVerbsDependencies): ManagedGatewayVerbs {
  const { issuer, gatewayUrl, routes, clock, fetch } = dependencies;
  const tokens = new Map<string, Promise<Token>>();

  async function tokenFor(request: TokenRequest, newToken: boolean): Promise<Token> {
    const key = JSON.stringify(request);
    const kept = newToken ? undefined : await tokens.get(key);
    if (kept !== undefined && kept.expiresAt * 1000 > clock.now()) return kept;
    const issued = dependencies.token(request);
    tokens.set(key, issued);
    issued.catch(() => tokens.delete(key));
    return issued;
  }

  return {
    async fetch(path, { as: user, client, api, scopes, claims, token, newToken = false, ...init } = {}) {
      const url = gatewayUrl();
      if (url === undefined) throw new InputError('', 'expected a gateway in this process');
      if (!path.startsWith('/')) throw new InputError('path', 'expected a path that begins with /');
      const headers = new Headers(init.headers);
      const needsToken = user !== undefined || client !== undefined;
      const named = needsToken && token === undefined ? (api ?? apiAt(path, routes(), issuer())) : undefined;
      const request = { user, client, api: named, scopes: scopes && [...scopes], claims };
      const sent = token ?? (named === undefined ? undefined : await tokenFor(request, newToken));
      if (sent !== undefined && !headers.has('authorization')) {
        const type = sent instanceof Token ? sent.tokenType : 'Bearer';
        headers.set('authorization', `${type} ${sent}`);
      }
      return fetch(`${url}${path}`, { ...init, headers });
    },
    forgetTokens: () => tokens.clear(),
  };
}

/** The API of the route with the longest matching prefix; undefined for a public route. */
function apiAt(path: string, routes: Routes, issuer: string): string | undefined {
  const [pathname = ''] = path.split(/[?#]/, 1);
  const isBelow = (prefix: string) => prefix === '/' || pathname === prefix || pathname.startsWith(`${prefix}/`);
  const [route] = routes.filter(({ prefix }) => isBelow(prefix)).sort((a, b) => b.prefix.length - a.prefix.length);
  if (route === undefined)
    throw new UnknownNameError(
      'path',
      'route for',
      pathname,
      routes.map(({ prefix }) => prefix),
    );
  if (route.issuer !== undefined && route.issuer !== issuer)
    throw new InputError('token', `expected a token of ${route.issuer}: the route takes no other`);
  return route.api;
}
