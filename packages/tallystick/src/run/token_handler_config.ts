import type { GatewayConfig, ProtectedRouteConfig } from '@tallystick/gateway';
import type { Config } from '../config/schema.ts';

type TokenHandler = Config['gateway']['tokenHandlers'][number];
type TokenCookie = NonNullable<Config['gateway']['routes'][number]['tokenCookie']>;

/** What the gateway needs to know of a browser application. */
export function tokenHandlerConfig(
  config: Config,
  { api, client: { id, secret }, ...handler }: TokenHandler,
): NonNullable<GatewayConfig['tokenHandlers']>[number] {
  const { backChannelUrl } = config.authorizationServer;
  return {
    ...handler,
    issuer: config.issuer,
    ...(backChannelUrl !== undefined && { backChannelUrl }),
    client: secret === undefined ? { id } : { id, secret },
    resource: api,
  };
}

/** Unless the route says otherwise, the cookie comes with the rules of the token handler that sets it. */
export function tokenCookieConfig(
  { gateway: { tokenHandlers } }: Config,
  { name, origins, csrfHeader }: TokenCookie,
): NonNullable<ProtectedRouteConfig['tokenCookie']> {
  const handler = tokenHandlers.find(({ cookie }) => cookie === name);
  return {
    name,
    origins: origins ?? handler?.origins ?? [],
    csrfHeader: csrfHeader ?? handler?.csrfHeader ?? 'X-CSRF',
  };
}
