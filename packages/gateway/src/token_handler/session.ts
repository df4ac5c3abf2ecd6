import type { IncomingMessage } from 'node:http';
import { AccessTokenError } from '@tallystick/resource-server';
import type { JWTPayload } from 'jose';
import type { TokenHandlerConfig } from '../config/token_handler.ts';
import { TokenTooLongError } from '../http/errors.ts';
import { deleteLongCookie, readLongCookie, setLongCookie } from '../http/long_cookies.ts';
import type { SealedCookies } from '../http/sealed_cookies.ts';

/** The sealed content of a session cookie. */
export interface Session extends JWTPayload {
  /** Identifies the session. It stays the same when the tokens change. */
  readonly sid: string;
  /** Epoch seconds of the sign-in. */
  readonly since: number;
  readonly refreshToken?: string;
  /** Claims of the user for the application. */
  readonly claims: { readonly sub?: string; readonly [name: string]: unknown };
}

/** A response of the token endpoint (RFC 6749 section 5.1). */
export interface Tokens {
  readonly access_token: string;
  readonly refresh_token?: string | undefined;
  readonly expires_in?: number | undefined;
}

/** Lifetime of an access token without `expires_in`, in seconds. */
const DEFAULT_LIFETIME = 300;

/** Keeps the tokens of browsers in their cookies, where no page can read them. */
export interface Sessions {
  /** @throws {AccessTokenError} `missing_token` when the request has no session */
  read(request: IncomingMessage): Promise<Session>;
  /**
   * @param request whose cookies are replaced
   * @returns the `Set-Cookie` headers for a session and its new tokens
   * @throws {TokenTooLongError}
   */
  keep(request: IncomingMessage, session: Session, tokens: Tokens): Promise<string[]>;
  /** @returns the `Set-Cookie` headers that end the session of a request */
  end(request: IncomingMessage): string[];
}

/** Names of a token handler's cookies. */
export function cookieNames({ cookie }: Pick<TokenHandlerConfig, 'cookie'>) {
  return {
    access: cookie,
    session: `${cookie}-session`,
    login: `${cookie}-login`,
  };
}

/** @param now epoch milliseconds */
export function createSessions(config: TokenHandlerConfig, sealed: SealedCookies, now: () => number): Sessions {
  const names = cookieNames(config);
  const { sameSite, sessionLifetime } = config;

  /** A reference is stored in plain form. A JWT is sealed, because anyone who reads the cookie could read its claims. */
  async function accessCookies(
    { access_token: token, expires_in: maxAge = DEFAULT_LIFETIME }: Tokens,
    held: string | undefined,
  ): Promise<string[]> {
    const value = token.includes('.') ? await sealed.seal(names.access, { token }, maxAge) : token;
    const cookies = setLongCookie(names.access, value, { maxAge, sameSite }, held);
    return (
      cookies ?? tooLong('the access token', token, 'choose an access token style with references (phantom, split)')
    );
  }

  async function sessionCookies(session: Session, maxAge: number, held: string | undefined): Promise<string[]> {
    const value = await sealed.seal(names.session, session, maxAge);
    const cookies = setLongCookie(names.session, value, { maxAge, sameSite }, held);
    const content = JSON.stringify(session);
    return cookies ?? tooLong('the refresh token, with the claims of the user,', content, 'configure fewer claims');
  }

  return {
    async read({ headers }) {
      const value = readLongCookie(headers.cookie, names.session);
      const session = value === undefined ? undefined : await sealed.open<Session>(names.session, value);
      // A cookie from an earlier version has no sid. Such a session could not be ended, so it is not accepted.
      if (session?.sid === undefined) throw new AccessTokenError('missing_token', 'no user is signed in');
      return session;
    },
    async keep({ headers: { cookie: held } }, { sid, since, claims, refreshToken }, tokens) {
      const maxAge = since + sessionLifetime - Math.floor(now() / 1000);
      const kept = tokens.refresh_token ?? refreshToken;
      const session = { sid, since, claims, ...(kept !== undefined && { refreshToken: kept }) };
      return [...(await accessCookies(tokens, held)), ...(await sessionCookies(session, maxAge, held))];
    },
    end: ({ headers: { cookie: held } }) =>
      [names.access, names.session].flatMap((name) => deleteLongCookie(name, { sameSite }, held)),
  };
}

function tooLong(what: string, content: string, remedy: string): never {
  throw new TokenTooLongError(`${what} does not fit into cookies: it has ${content.length} characters; ${remedy}`);
}
