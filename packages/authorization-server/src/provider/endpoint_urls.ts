import type { Context } from 'koa';
import type { Provider } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { mountPathOf } from './mount.ts';

/** Endpoints that clients and gateways call directly. Clients send browsers to all other endpoints. */
const BACK_CHANNEL = new Set([
  'token',
  'jwks',
  'userinfo',
  'introspection',
  'revocation',
  'pushed_authorization_request',
  'device_authorization',
  'backchannel_authentication',
  'registration',
  'client',
]);

interface OidcContext {
  readonly ctx: Context;
  urlFor(name: string, options?: object): string;
}

/**
 * Builds endpoint URLs from the configuration. oidc-provider builds them from the request's `Host` header, which a client
 * chooses freely. A request to `backChannelUrl` gets URLs there for the endpoints that it calls directly; all other URLs
 * are at the issuer.
 */
export function useConfiguredEndpointUrls(
  provider: Provider,
  { issuer, backChannelUrl }: Pick<AuthorizationServerConfig, 'issuer' | 'backChannelUrl'>,
): void {
  const mountPath = mountPathOf(issuer);
  const backChannel = backChannelUrl === undefined ? undefined : new URL(backChannelUrl);
  const { prototype } = (provider as unknown as { OIDCContext: { prototype: OidcContext } }).OIDCContext;

  prototype.urlFor = function (this: OidcContext, name, options) {
    const isBackChannel = backChannel !== undefined && this.ctx.host === backChannel.host && BACK_CHANNEL.has(name);
    const path = (provider as unknown as PathFor).pathFor(name, { mountPath, ...options });
    return new URL(path, isBackChannel ? backChannel : issuer).href;
  };
}

interface PathFor {
  pathFor(name: string, options: object): string;
}
