import type { IncomingMessage } from 'node:http';
import { AccessTokenError } from '@tallystick/resource-server';
import type { JWTPayload } from 'jose';
import type { TokenHandlerConfig } from '../config/token_handler.ts';
import { TokenTooLongError } from '../http/errors.ts';
import { deleteLongCookie, readLongCookie, setLongCookie } from '../http/long_cookies.ts';
import type { SealedCookies } from '../http/sealed_cookies.ts';

/** What a browser's session cookie holds, sealed. */
export interface Session extends JWTPayload {
  /** Names the session, whatever its tokens are. */
  readonly sid: string;
  /** Epoch seconds of the sign-in. */
  readonly since: number;
  readonly refreshToken?: string;
  /** What the application may know of the user. */
  readonly claims: { readonly sub?: string; readonly [name: string]: unknown };
}

/** Tokens as they come from the token endpoint (RFC 6749 section 5.1). */
export interface Tokens {
  readonly access_token: string;
  readonly refresh_token?: string | undefined;
  readonly expires_in?: number | undefined;
}

/** Seconds for which an access token that does not say is kept. */
const DEFAULT_LIFETIME = 300;

/** Keeps the tokens of browsers in their cookies, so that no page gets hold of them. */
export interface Sessions {
  /** The session of a request. @throws {AccessTokenError} `missing_token` when there is none */
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

  /** References, and what is not one sealed: a JWT would show its claims to whoever reads the cookie. */
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
    return (
      cookies ??
      tooLong('the refresh token, with what the application knows of the user,', content, 'have fewer claims')
    );
  }

  return {
    async read({ headers }) {
      const value = readLongCookie(headers.cookie, names.session);
      const session = value === undefined ? undefined : await sealed.open<Session>(names.session, value);
      // One without a name is from before sessions had one, and could not be ended.
      if (session?.sid === undefined) throw new AccessTokenError('missing_token', 'nobody is signed in');
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
