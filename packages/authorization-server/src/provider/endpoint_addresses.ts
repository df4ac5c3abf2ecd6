import type { Context } from 'koa';
import type { Provider } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { mountPathOf } from './mount.ts';

/** Endpoints that clients and gateways call themselves; to all others a browser is sent. */
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
 * Names endpoints by an address at which they can be reached. oidc-provider takes what the request's `Host` says, which
 * may be anything. Ours are at the issuer's address; whoever asks at the back-channel address is told that address, for
 * the endpoints that it calls itself. Browsers are always sent to the issuer's.
 */
export function nameEndpointsByAddress(
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
