import { type AuthorizationServer, HookFailed, TokenRequestError } from '@tallystick/authorization-server';
import type { ManagedClock } from '../clock/create_clock.ts';
import { HookError } from '../hooks/hook_error.ts';
import { checkInput, InputError } from '../input_error.ts';
import { UnknownNameError } from '../unknown_name.ts';
import { apiOf, defaultClient, type KnownEntries } from './defaults.ts';
import { readJwt } from './read_jwt.ts';
import { Token } from './token.ts';
import { heldTokenSchema, type TokenRequest, tokenRequestSchema } from './token_request.ts';

/** A token cannot be revoked, because no server looks it up. */
export class NotRevocableError extends Error {
  readonly code = 'not_revocable';
  override name = 'NotRevocableError';
}

export interface TokenVerbs {
  /**
   * Issues an access token without a flow: the token that a flow would issue, or one with a chosen defect.
   *
   * @throws {UnknownNameError} the client or the API does not exist
   * @throws {InputError}
   * @throws {HookError} a function of the test failed
   */
  token(request?: TokenRequest): Promise<Token>;
  /**
   * Revokes an access token or a refresh token, in the place of its client. Gateways refuse it from then on.
   *
   * @param token the token that the client holds, or the {@link Token}
   * @returns whether the token was active
   * @throws {NotRevocableError} a JWT of the style `jwt`: it is valid until it expires
   * @throws {InputError} the JWT of an API, instead of the token that the client holds
   */
  revoke(token: string | Token): Promise<boolean>;
  /**
   * Moves the clock to the moment at which a token expires. Other tokens that expire before are then expired too.
   *
   * @param token the token that the client holds, or the {@link Token}
   * @throws {ClockFixedError} the store is not the memory store of this Tallystick
   * @throws {InputError} the token is unknown, so nothing says when it expires
   */
  expire(token: string | Token): Promise<void>;
}

export interface TokenVerbsDependencies {
  readonly authorizationServer: Pick<AuthorizationServer, 'issueToken' | 'issuedTokens'>;
  readonly clock: ManagedClock;
  readonly known: () => KnownEntries;
}

export function createTokenVerbs({ authorizationServer, clock, known }: TokenVerbsDependencies): TokenVerbs {
  const { issueToken, issuedTokens } = authorizationServer;

  return {
    async token(given = {}) {
      const { expiresIn: lifetime, ...request } = checkInput(tokenRequestSchema, given);
      const entries = known();
      const api = apiOf(request, entries);
      const client =
        request.client ?? defaultClient(entries, request.user ? 'authorization_code' : 'client_credentials');
      const scopes = request.scopes ?? api?.scopes;
      try {
        const completed = { ...request, client, api: api?.resource, scopes, lifetime };
        return new Token(await clock.run(() => issueToken(completed)));
      } catch (error) {
        throw toMisuse(error, client, entries);
      }
    },
    async revoke(given) {
      const token = heldToken(given);
      const { signature, claims, isJwt } = readJwt(token);
      if (await clock.run(() => issuedTokens.revoke(token))) return true;
      // Of a split token, the client holds the signature of its JWT.
      if (signature !== undefined && (await clock.run(() => issuedTokens.revoke(signature)))) return true;
      if (isJwt) refuseToRevoke(claims, known());
      return false;
    },
    async expire(given) {
      const expiresAt = given instanceof Token ? given.expiresAt : await expiryOf(heldToken(given));
      if (expiresAt * 1000 > clock.now()) clock.set(new Date(expiresAt * 1000));
    },
  };

  async function expiryOf(token: string): Promise<number> {
    const { signature, claims } = readJwt(token);
    const found = await clock.run(() => issuedTokens.find(signature ?? token));
    const expiry = found?.expiresAt ?? claims?.exp;
    if (typeof expiry === 'number') return expiry;
    throw new InputError('token', 'expected a token of this issuer that has not expired');
  }
}

function heldToken(given: string | Token): string {
  return checkInput(heldTokenSchema, { token: given instanceof Token ? given.accessToken : given }).token;
}

function refuseToRevoke(claims: Readonly<Record<string, unknown>> | undefined, { apis }: KnownEntries): void {
  const audiences = [claims?.aud].flat();
  const api = apis.find(({ resource, audience = resource }) =>
    [audience].flat().some((name) => audiences.includes(name)),
  );
  if (api !== undefined && api.accessTokens !== 'jwt') {
    const expected = `expected the token that the client holds: this is a JWT that the API gets ("${api.accessTokens}")`;
    throw new InputError('token', expected);
  }
  const until =
    typeof claims?.exp === 'number' ? ` It is valid until ${new Date(claims.exp * 1000).toISOString()}.` : '';
  throw new NotRevocableError(
    `a JWT of the style "jwt" cannot be revoked: an API validates it without asking a server.${until} Use expire(token), or another style`,
  );
}

/** Adds to an error of the authorization server what is known here. */
function toMisuse(error: unknown, client: string, { clients, apis }: KnownEntries): unknown {
  if (error instanceof HookFailed) return new HookError(error.error_description, { cause: error.cause });
  if (!(error instanceof TokenRequestError)) return error;
  if (error.path === 'client')
    return new UnknownNameError(
      'client',
      'client',
      client,
      clients.map(({ id }) => id),
    );
  if (error.path !== 'api') return new InputError(error.path, error.message);
  return new InputError('api', `${error.message}; known: ${apis.map(({ resource }) => `"${resource}"`).join(', ')}`);
}
