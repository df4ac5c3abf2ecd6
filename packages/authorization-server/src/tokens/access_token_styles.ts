import { randomBytes } from 'node:crypto';
import type { Log } from '@tallystick/common';
import { signatureOf, signingInputOf } from '@tallystick/common';
import { type RecordPayload, tokenKey } from '@tallystick/token-store';
import { type KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { ApiConfig } from '../config/config.ts';
import type { FindApi } from '../permissive/apis.ts';
import type { GrantedUserScopes } from './granted_scope.ts';
import { resourceServerOf } from './resource_servers.ts';
import { timedJwtId } from './timed_jwt_id.ts';

/** The common properties of oidc-provider's AccessToken and ClientCredentials that the styles need. */
export interface AccessTokenRecord {
  jti: string;
  clientId: string;
  client: unknown;
  resourceServer: unknown;
  /** In a new token: the resource indicator of the API, as oidc-provider sets it. In a stored token: the audience. */
  aud?: string | readonly string[];
  /** Resource indicator of the API, in a stored token whose audience differs from it. */
  api?: string;
  iat?: number;
  exp?: number;
  readonly expiration: number;
  format?: 'opaque' | 'jwt';
  /** The `jti` of the JWT, independent of the client-held token. In a JWT without a record it contains the time. */
  jwtId?: string;
  /** The scopes of OpenID Connect that were granted with the token of an API: it can read userinfo too. */
  userScope?: string;
  /** The requested claims (OpenID Connect Core section 5.5). */
  claims?: unknown;
  /** For an exchanged token: the grant of its subject token, which may belong to another client. */
  subjectGrantId?: string;
  /** For an exchanged token whose subject is a client: that client. */
  subjectClientId?: string;
  getValueAndPayload(): Promise<{ value: string; payload?: RecordPayload }>;
}

/** Properties that are stored in addition to oidc-provider's. */
const ADDED_PROPERTIES = ['jwtId', 'subjectGrantId', 'subjectClientId', 'api', 'userScope'];

export interface AccessTokenStyles {
  /**
   * Renders a stored `opaque` or `phantom` token as its JWT (RFC 9068), with the claims from its issuance.
   *
   * @returns undefined for a token without an API, since it has no audience
   */
  renderJwt(token: AccessTokenRecord): Promise<string | undefined>;
  /** The API of a token. */
  apiOf(token: AccessTokenRecord): ApiConfig | undefined;
}

export interface StylesDependencies {
  readonly log: Log;
  /** The current time in epoch milliseconds. */
  readonly now: () => number;
  /** Returns when the current request began, in epoch milliseconds; undefined outside a request. */
  readonly requestedAt: () => number | undefined;
  readonly grantedUserScopes: GrantedUserScopes;
}

/** The identifier of the record with which a JWT can read userinfo. Only a holder of the JWT can find it. */
export function userinfoRecordId(jwt: string): string {
  return `userinfo ${jwt}`;
}

/**
 * Makes a provider issue access tokens in the style of their API.
 *
 * oidc-provider has two formats: `opaque` (a record under a random id) and `jwt` (no record). The styles `jwt`, `opaque` and
 * `phantom` use them unchanged. `split` combines both: the signature of the JWT becomes the id of the record and the client's
 * token, and the signing input is stored with the record.
 */
export function installAccessTokenStyles(
  provider: Provider,
  findApi: FindApi,
  { log, now, requestedAt, grantedUserScopes }: StylesDependencies,
): AccessTokenStyles {
  const apiOf = ({ api, aud }: AccessTokenRecord) => findApi(api ?? String(aud));
  const toJwt = new Map<string, (token: AccessTokenRecord) => Promise<string>>();

  for (const Token of [provider.AccessToken, provider.ClientCredentials]) {
    const { IN_PAYLOAD } = Token as unknown as { IN_PAYLOAD: readonly string[] };
    Object.defineProperty(Token, 'IN_PAYLOAD', { value: [...IN_PAYLOAD, ...ADDED_PROPERTIES] });

    const prototype = Token.prototype as unknown as AccessTokenRecord;
    const inFormatOf = prototype.getValueAndPayload;
    const asJwt = async (token: AccessTokenRecord) => {
      const format = token.format;
      token.format = 'jwt';
      try {
        return (await inFormatOf.call(token)).value;
      } finally {
        if (format !== undefined) token.format = format;
      }
    };
    toJwt.set(Token.name, asJwt);

    prototype.getValueAndPayload = async function (this: AccessTokenRecord) {
      const api = apiOf(this);
      if (api !== undefined)
        this.jwtId ??= api.accessTokens === 'jwt' ? timedJwtId(requestedAt() ?? now()) : randomJwtId();
      if (api?.audience !== undefined) this.api = api.resource;
      if (api !== undefined && Provider.ctx?.oidc !== undefined)
        addUserScope(this, Provider.ctx.oidc, grantedUserScopes);
      const issued = await issueInStyle(this, api, { asJwt, inFormatOf, now });
      if (api?.audience !== undefined && issued.payload) Object.assign(issued.payload, { aud: api.audience });
      log.debug(
        {
          client: this.clientId,
          resource: api?.resource,
          style: api?.accessTokens,
          tokenKey: tokenKey(issued.value).slice(0, 8),
        },
        'access token issued',
      );
      return issued;
    };
  }

  async function renderJwt(token: AccessTokenRecord & { kind?: string }) {
    const api = apiOf(token);
    const asJwt = toJwt.get(token.kind ?? '');
    if (api === undefined || asJwt === undefined) return undefined;
    token.resourceServer = new provider.ResourceServer(api.resource, resourceServerOf(api));
    token.client = await provider.Client.find(token.clientId);
    return asJwt(token);
  }

  return { renderJwt, apiOf };
}

function randomJwtId(): string {
  return randomBytes(16).toString('base64url');
}

interface SplitSteps {
  readonly asJwt: (token: AccessTokenRecord) => Promise<string>;
  readonly inFormatOf: AccessTokenRecord['getValueAndPayload'];
  readonly now: () => number;
}

/** @see acceptApiTokensAtUserinfo */
function addUserScope(
  token: AccessTokenRecord,
  oidc: KoaContextWithOIDC['oidc'],
  grantedUserScopes: GrantedUserScopes,
) {
  const scopes = grantedUserScopes(oidc);
  if (!scopes.includes('openid')) return;
  token.userScope = scopes.join(' ');
  token.claims ??= (oidc.entities.AuthorizationCode ?? oidc.entities.RefreshToken)?.claims;
}

function issueInStyle(token: AccessTokenRecord, api: ApiConfig | undefined, steps: SplitSteps) {
  if (api?.accessTokens === 'split') return split(token, steps);
  if (api?.accessTokens === 'jwt' && token.userScope !== undefined) return jwtForUserinfo(token, steps);
  return steps.inFormatOf.call(token);
}

/** A JWT needs no record, except to read userinfo. */
async function jwtForUserinfo(token: AccessTokenRecord, { asJwt, inFormatOf, now }: SplitSteps) {
  setTimes(token, now);
  const value = await asJwt(token);
  token.jti = userinfoRecordId(value);
  token.format = 'opaque';
  const { payload } = await inFormatOf.call(token);
  return { value, ...(payload && { payload }) };
}

/** JWT and record are made one after the other, and must have the same times. */
function setTimes(token: AccessTokenRecord, now: () => number): void {
  token.iat ??= Math.floor(now() / 1000);
  token.exp ??= token.iat + token.expiration;
}

async function split(token: AccessTokenRecord, { asJwt, inFormatOf, now }: SplitSteps) {
  setTimes(token, now);
  const jwt = await asJwt(token);
  const signature = signatureOf(jwt);
  token.jti = signature;
  const { payload } = await inFormatOf.call(token);
  return { value: signature, payload: { ...payload, signingInput: signingInputOf(jwt) } };
}
