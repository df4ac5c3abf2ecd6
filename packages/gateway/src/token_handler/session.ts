import type { IncomingMessage } from 'node:http';
import { AccessTokenError } from '@tallystick/resource-server';
import type { JWTPayload } from 'jose';
import { cookieNames, type TokenHandlerConfig } from './config.ts';
import { readCookie, setCookie } from './cookies.ts';
import type { SealedCookies } from './sealed_cookies.ts';

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
/** Browsers keep no cookie that is longer, name and attributes included (RFC 6265 section 6.1). */
const LONGEST_COOKIE = 4096;

/** Keeps the tokens of browsers in their cookies, so that no page gets hold of them. */
export interface Sessions {
  /** The session of a request. @throws {AccessTokenError} `missing_token` when there is none */
  read(request: IncomingMessage): Promise<Session>;
  /** @returns the `Set-Cookie` headers for a session and its new tokens */
  keep(session: Session, tokens: Tokens): Promise<string[]>;
  /** @returns the `Set-Cookie` headers that end a session */
  end(): string[];
}

/** @param now epoch milliseconds */
export function createSessions(config: TokenHandlerConfig, sealed: SealedCookies, now: () => number): Sessions {
  const names = cookieNames(config);
  const { sameSite, sessionLifetime } = config;

  /** References, and what is not one sealed: a JWT would show its claims to whoever reads the cookie. */
  async function accessCookie({ access_token: token, expires_in: maxAge = DEFAULT_LIFETIME }: Tokens): Promise<string> {
    const value = token.includes('.') ? await sealed.seal(names.access, { token }, maxAge) : token;
    return fitting(setCookie(names.access, value, { maxAge, sameSite }));
  }

  return {
    async read({ headers }) {
      const value = readCookie(headers.cookie, names.session);
      const session = value === undefined ? undefined : await sealed.open<Session>(names.session, value);
      // One without a name is from before sessions had one, and could not be ended.
      if (session?.sid === undefined) throw new AccessTokenError('missing_token', 'nobody is signed in');
      return session;
    },
    async keep({ sid, since, claims, refreshToken }, tokens) {
      const maxAge = since + sessionLifetime - Math.floor(now() / 1000);
      const kept = tokens.refresh_token ?? refreshToken;
      const session = { sid, since, claims, ...(kept !== undefined && { refreshToken: kept }) };
      return [
        await accessCookie(tokens),
        fitting(setCookie(names.session, await sealed.seal(names.session, session, maxAge), { maxAge, sameSite })),
      ];
    },
    end: () => [names.access, names.session].map((name) => setCookie(name, '', { maxAge: 0, sameSite })),
  };
}

function fitting(cookie: string): string {
  if (cookie.length <= LONGEST_COOKIE) return cookie;
  throw new TypeError('a token does not fit into a cookie; use an access token style whose tokens are short');
}
