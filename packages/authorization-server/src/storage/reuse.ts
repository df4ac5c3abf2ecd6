import type { Middleware } from 'koa';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { AuthorizationServerConfig, ReuseGraceConfig } from '../config/config.ts';
import { ConcurrentUse } from './store_errors.ts';

/** Kinds of records that a token request consumes, by oidc-provider's model name, and the setting with their grace period. */
const GRACE_BY_KIND: { readonly [kind: string]: keyof ReuseGraceConfig } = {
  AuthorizationCode: 'code',
  DeviceCode: 'code',
  BackchannelAuthenticationRequest: 'code',
  RefreshToken: 'refreshToken',
};

/** A record that can be consumed once. */
interface Consumable {
  readonly kind: string;
  readonly jti: string;
  readonly grantId?: string;
  readonly consumed?: unknown;
}

/**
 * Whether a reuse is within the grace period, in which it is refused without further consequences: it may come from two
 * processes of one client. A later reuse counts as theft, and revokes the grant (RFC 9700 section 4.14.2).
 *
 * @param kind oidc-provider's model name
 * @param consumed when the record was consumed, in epoch seconds, if it was
 */
export type IsWithinGrace = (kind: string, consumed: unknown) => boolean;

/** @param now the current time in epoch milliseconds */
export function createIsWithinGrace(
  { reuseGrace }: Pick<AuthorizationServerConfig, 'reuseGrace'>,
  now: () => number,
): IsWithinGrace {
  return (kind, consumed) => {
    const name = Object.hasOwn(GRACE_BY_KIND, kind) ? GRACE_BY_KIND[kind] : undefined;
    if (name === undefined || typeof consumed !== 'number' || reuseGrace[name] === 0) return false;
    // `consumed` has whole seconds only, so a grace period may end up to one second early.
    return now() / 1000 - consumed < reuseGrace[name];
  };
}

/**
 * Revokes the grant on concurrent reuse of a code or refresh token (RFC 6749 section 4.1.2). oidc-provider does so when it finds
 * a consumed record. Of two concurrent requests neither finds one: the store refuses the slower one when it commits.
 */
export function revokeOnReuse(provider: Provider, isWithinGrace: IsWithinGrace): Middleware {
  const revokeGrant = createRevokeGrant(provider);
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
    const { kind, jti } = known as unknown as Consumable;
    const used = (await modelOf(provider, kind).find(jti, IN_ANY_STATE)) as Consumable | undefined;
    if (used?.grantId === undefined || isWithinGrace(kind, used.consumed)) return;
    await revokeGrant(used.grantId);
  }
}

/** Creates the revocation of a grant and of everything that was issued under it. */
export function createRevokeGrant(provider: Provider): (grantId: string) => Promise<void> {
  const kinds = ['AccessToken', ...Object.keys(GRACE_BY_KIND)];
  return async (grantId) => {
    await Promise.all(kinds.map((kind) => modelOf(provider, kind).revokeByGrantId(grantId)));
    await (await provider.Grant.find(grantId))?.destroy();
  };
}

function modelOf(provider: Provider, kind: string): Model {
  return (provider as unknown as { readonly [kind: string]: Model })[kind] as Model;
}

const IN_ANY_STATE = { ignoreExpiration: true, ignoreSessionBinding: true };

interface Model {
  find(id: string, options: typeof IN_ANY_STATE): Promise<unknown>;
  revokeByGrantId(grantId: string): Promise<void>;
}
