import type { Middleware } from 'koa';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { AuthorizationServerConfig, ReuseGraceConfig } from '../config/config.ts';
import { ConcurrentUse } from './store_errors.ts';

/** What a token request uses up, by oidc-provider's model name, and the grace that is for it. */
const GRACE_BY_KIND: { readonly [kind: string]: keyof ReuseGraceConfig } = {
  AuthorizationCode: 'code',
  DeviceCode: 'code',
  BackchannelAuthenticationRequest: 'code',
  RefreshToken: 'refreshToken',
};

/** What is used up once, as far as it matters here. */
interface UsedUp {
  readonly kind: string;
  readonly jti: string;
  readonly grantId?: string;
  readonly consumed?: unknown;
}

/**
 * Whether what was used up is presented again so soon that it is refused and nothing more: somebody who is in a hurry looks
 * like this, such as two processes of one client. Later it is taken for theft (RFC 9700 section 4.14.2).
 *
 * @param kind oidc-provider's model name
 * @param consumed when it was used up, in epoch seconds, if it was
 */
export type IsWithinGrace = (kind: string, consumed: unknown) => boolean;

/** @param now epoch milliseconds */
export function createIsWithinGrace(
  { reuseGrace }: Pick<AuthorizationServerConfig, 'reuseGrace'>,
  now: () => number,
): IsWithinGrace {
  return (kind, consumed) => {
    const name = Object.hasOwn(GRACE_BY_KIND, kind) ? GRACE_BY_KIND[kind] : undefined;
    if (name === undefined || typeof consumed !== 'number' || reuseGrace[name] === 0) return false;
    // Fractions of the second of its use are not known, and count as over.
    return now() / 1000 - consumed < reuseGrace[name];
  };
}

/**
 * oidc-provider revokes the grant when it finds that a code or refresh token was used before. Of two at the same moment neither
 * finds that, and the store tells the slower one: it is judged here by the same rule (RFC 6749 section 4.1.2).
 */
export function revokeOnReuse(provider: Provider, isWithinGrace: IsWithinGrace): Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      if (error instanceof ConcurrentUse) await revokeUnlessWithinGrace(ctx as KoaContextWithOIDC);
      throw error;
    }
  };

  async function revokeUnlessWithinGrace({ oidc: { entities } }: KoaContextWithOIDC): Promise<void> {
    const { AuthorizationCode, DeviceCode, BackchannelAuthenticationRequest, RotatedRefreshToken } = entities;
    const known = AuthorizationCode ?? DeviceCode ?? BackchannelAuthenticationRequest ?? RotatedRefreshToken;
    if (known === undefined) return;
    const { kind, jti } = known as unknown as UsedUp;
    const used = (await modelOf(kind).find(jti, IN_ANY_STATE)) as UsedUp | undefined;
    if (used?.grantId === undefined || isWithinGrace(kind, used.consumed)) return;
    await revokeGrant(used.grantId);
  }

  async function revokeGrant(grantId: string): Promise<void> {
    const kinds = ['AccessToken', ...Object.keys(GRACE_BY_KIND)];
    await Promise.all(kinds.map((kind) => modelOf(kind).revokeByGrantId(grantId)));
    await (await provider.Grant.find(grantId))?.destroy();
  }

  function modelOf(kind: string): Model {
    return (provider as unknown as { readonly [kind: string]: Model })[kind] as Model;
  }
}

const IN_ANY_STATE = { ignoreExpiration: true, ignoreSessionBinding: true };

interface Model {
  find(id: string, options: typeof IN_ANY_STATE): Promise<unknown>;
  revokeByGrantId(grantId: string): Promise<void>;
}
