import { randomBytes } from 'node:crypto';
import type { Log } from '@tallystick/common';
import { signatureOf, signingInputOf } from '@tallystick/common';
import { type RecordPayload, tokenKey } from '@tallystick/token-store';
import type Provider from 'oidc-provider';
import type { ApiConfig } from '../config/config.ts';
import { resourceServerOf } from './resource_servers.ts';
import { timedJwtId } from './timed_jwt_id.ts';

/** What oidc-provider's AccessToken and ClientCredentials have in common, as far as the styles need it. */
export interface AccessTokenRecord {
  jti: string;
  clientId: string;
  client: unknown;
  resourceServer: unknown;
  /** Of a token being made, the resource indicator of its API, by which oidc-provider knows it; of a stored one, the audience. */
  aud?: string | readonly string[];
  /** The resource indicator of the API of a stored token, where that is not its audience. */
  api?: string;
  iat?: number;
  exp?: number;
  readonly expiration: number;
  format?: 'opaque' | 'jwt';
  /** The `jti` of the JWT: neither the client-held token nor derived from it. That of a JWT without a record says its time. */
  jwtId?: string;
  /** For a token from an exchange: the grant of its subject token, which is another client's. */
  subjectGrantId?: string;
  /** For a token from an exchange whose subject is a client: that client. */
  subjectClientId?: string;
  getValueAndPayload(): Promise<{ value: string; payload?: RecordPayload }>;
}

/** What a record holds beside what oidc-provider puts into it. */
const ADDED_PROPERTIES = ['jwtId', 'subjectGrantId', 'subjectClientId', 'api'];

export interface AccessTokenStyles {
  /**
   * Renders a stored `opaque` or `phantom` token as the JWT it stands for (RFC 9068), claims as they were when issued.
   *
   * @returns undefined when the token is for no API, and so has no audience
   */
  renderJwt(token: AccessTokenRecord): Promise<string | undefined>;
  /** The API that a token is for. */
  apiOf(token: AccessTokenRecord): ApiConfig | undefined;
}

export interface StylesDependencies {
  readonly log: Log;
  readonly now: () => number;
  readonly requestedAt: () => number | undefined;
}

/**
 * Makes a provider serve each API's access tokens in the style configured for it.
 *
 * oidc-provider knows two formats: `opaque` (a record under a random id) and `jwt` (no record). `jwt`, `opaque` and
 * `phantom` are these as they are. `split` is both: the JWT is built, its signature becomes the id of the record and
 * the client's token, and the signing input goes to the store with the record.
 *
 * @param dependencies.requestedAt when the request under way began, in epoch milliseconds; undefined outside of one
 * @param dependencies.now epoch milliseconds
 */
export function installAccessTokenStyles(
  provider: Provider,
  apis: readonly ApiConfig[],
  { log, now, requestedAt }: StylesDependencies,
): AccessTokenStyles {
  const apiByResource = new Map(apis.map((api) => [api.resource, api]));
  const apiOf = ({ api, aud }: AccessTokenRecord) => apiByResource.get(api ?? String(aud));
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
      const issued =
        api?.accessTokens === 'split' ? await split(this, { asJwt, inFormatOf, now }) : await inFormatOf.call(this);
      if (api?.audience !== undefined && issued.payload) Object.assign(issued.payload, { aud: api.audience });
      log.debug(
        {
          client: this.clientId,
          resource: api?.resource,
          style: api?.accessTokens,
          token: tokenKey(issued.value).slice(0, 8),
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

async function split(token: AccessTokenRecord, { asJwt, inFormatOf, now }: SplitSteps) {
  // The JWT and the record are rendered one after the other: both must say the same second.
  token.iat ??= Math.floor(now() / 1000);
  token.exp ??= token.iat + token.expiration;
  const jwt = await asJwt(token);
  const signature = signatureOf(jwt);
  token.jti = signature;
  const { payload } = await inFormatOf.call(token);
  return { value: signature, payload: { ...payload, signingInput: signingInputOf(jwt) } };
}
