import { isLoopbackName, type Log, TOKEN_PROBLEM_HEADER, TOKEN_PROBLEMS, type TokenProblem } from '@tallystick/common';
import { tokenKey } from '@tallystick/token-store';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import type { Context, Middleware } from 'koa';
import type { JWKS, KoaContextWithOIDC } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { createMayIntrospect } from './introspection_policy.ts';
import type { ReadOwnAccessToken } from './own_access_tokens.ts';
import { createOwnJwtVerifier } from './own_jwt.ts';
import type { RecentTokens } from './recent_tokens.ts';
import { createApisByAudience } from './resource_servers.ts';

export interface InactiveTokensDependencies {
  readonly recentTokens: RecentTokens;
  readonly read: ReadOwnAccessToken;
  readonly jwks: JWKS;
  readonly latestKeys: () => Promise<JWKS>;
  readonly log: Log;
  /** The current time in epoch milliseconds. */
  readonly now: () => number;
}

/**
 * Logs why an introspected token is not active. The response does not say it (RFC 7662 section 2.2), except for a header at an issuer
 * on a loopback address, which is there for development. The trace id of the request joins the line with the one of the gateway.
 */
export function explainInactiveTokens(
  config: AuthorizationServerConfig,
  dependencies: InactiveTokensDependencies,
): Middleware {
  const { log, recentTokens } = dependencies;
  const isForDevelopment = isLoopbackName(new URL(config.issuer).hostname);
  const problemOfJwt = createJwtProblems(config, dependencies);

  async function problemOf(ctx: Context, token: string, clientId: string): Promise<TokenProblem> {
    const known = (ctx.state as State).tokenProblem ?? recentTokens.problemOf(tokenKey(token));
    if (known !== undefined || !isJwt(token)) return known ?? 'unknown';
    // The response is complete. A store that fails now takes away only its explanation.
    return problemOfJwt(token, clientId).catch(() => 'unknown');
  }

  return async (ctx, next) => {
    await next();
    if (!saysInactive(ctx)) return;
    const { client, params } = (ctx as KoaContextWithOIDC).oidc;
    const token = String(params?.token);
    const clientId = client?.clientId ?? '';
    const problem = await problemOf(ctx, token, clientId);
    if (isForDevelopment) ctx.set(TOKEN_PROBLEM_HEADER, problem);
    const fields = {
      client: clientId,
      tokenKey: tokenKey(token).slice(0, 8),
      tokenProblem: problem,
      detail: TOKEN_PROBLEMS[problem],
      trace_id: traceIdOf(ctx),
    };
    log.info(fields, 'introspected token is not active');
  };
}

/** The state of this middleware in a request. */
interface State {
  tokenProblem?: TokenProblem;
}

/** Notes why the policy of introspection keeps a valid token from a client. */
export function noteTokenProblem({ state }: Pick<Context, 'state'>, problem: TokenProblem): void {
  (state as State).tokenProblem = problem;
}

/** In a signed response, the answer is a string. It is recognized before it is signed: inactive responses name no audience. */
function saysInactive({ oidc, status, body, state }: Context): boolean {
  if (oidc?.route !== 'introspection' || oidc.client === undefined) return false;
  if (status === 204) return true;
  if (status !== 200) return false;
  if (typeof body === 'object' && body !== null) return (body as { readonly active?: unknown }).active === false;
  if (typeof body !== 'string' || !body.includes('.') || state.activeJwt !== undefined) return false;
  const answer = decodeJwt(body).token_introspection as { readonly active?: unknown } | undefined;
  return answer?.active === false;
}

function isJwt(token: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token);
}

function createJwtProblems(
  config: AuthorizationServerConfig,
  { read, jwks, latestKeys, now }: InactiveTokensDependencies,
) {
  const mayIntrospect = createMayIntrospect(config);
  const apisOf = createApisByAudience(config.apis);
  return async (jwt: string, clientId: string): Promise<TokenProblem> => {
    const { iss, exp, typ } = claimsOf(jwt);
    if (iss === undefined || typeof exp !== 'number') return 'malformed';
    if (iss !== config.issuer) return 'other_issuer';
    if (typ !== 'at+jwt') return 'wrong_type';
    // At a time before its expiry, so that only a token of this server counts as expired.
    const atItsTime = { jwks, latestKeys, now: () => Math.min(now(), exp * 1000 - 1) };
    const genuine = await createOwnJwtVerifier(config.issuer, atItsTime)(jwt, 'access token');
    if (genuine === undefined) return 'wrong_signature';
    if (exp * 1000 <= now()) return 'expired';
    if ((await read(jwt)) === undefined) return 'revoked';
    return mayIntrospect(
      clientId,
      apisOf(genuine.aud).map(({ resource }) => resource),
    )
      ? 'unknown'
      : 'not_introspectable';
  };
}

/** What a JWT says about itself. Nobody has verified it. */
function claimsOf(jwt: string): { readonly iss?: unknown; readonly exp?: unknown; readonly typ?: unknown } {
  try {
    return { ...decodeJwt(jwt), typ: decodeProtectedHeader(jwt).typ };
  } catch {
    return {};
  }
}

/** The trace id of `traceparent` (W3C Trace Context section 3.2). */
function traceIdOf(ctx: Context): string | undefined {
  return /^[\da-f]{2}-([\da-f]{32})-[\da-f]{16}-/.exec(ctx.get('traceparent'))?.[1];
}
