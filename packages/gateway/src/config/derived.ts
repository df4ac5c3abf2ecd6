import type { GatewaySection } from './gateway.ts';
import type { AccessTokenStyle, ApiConfig, RouteConfig } from './route.ts';

type ApiOfRoute = Pick<RouteConfig, 'api' | 'audience' | 'accessTokens'>;

/** The access token style of a route; undefined for a public one. @param apis of the gateway's own authorization server */
export function accessTokensOf(route: ApiOfRoute, apis: readonly ApiConfig[]): AccessTokenStyle | undefined {
  return route.accessTokens ?? apis.find(({ resource }) => resource === route.api)?.accessTokens;
}

/** Whether the gateway introspects tokens of a route. @param apis of the gateway's own authorization server */
export function introspects(route: ApiOfRoute & Pick<RouteConfig, 'onMiss'>, apis: readonly ApiConfig[]): boolean {
  return accessTokensOf(route, apis) === 'phantom' || route.onMiss === 'introspect';
}

/**
 * The `aud` that tokens for a route's API must have; with several, one of them. Of an API's own audiences it is the resource indicator
 * if that is among them, and else the first.
 *
 * @param apis of the gateway's own authorization server
 */
export function audienceOf(
  route: ApiOfRoute & { readonly api: string },
  apis: readonly ApiConfig[],
): readonly string[] {
  if (route.audience !== undefined) return [route.audience].flat();
  const audiences = [apis.find(({ resource }) => resource === route.api)?.audience ?? route.api].flat();
  return audiences.includes(route.api) ? [route.api] : audiences.slice(0, 1);
}

/** The path prefix under which the API sees the calls of a route; empty for all paths. */
export function prefixAtApi({ prefix, rewrite }: Pick<RouteConfig, 'prefix' | 'rewrite'>): string {
  if (rewrite === undefined) return prefix === '/' ? '' : prefix;
  return 'prefix' in rewrite ? rewrite.prefix : '';
}

/** Whether a gateway makes JWTs itself, because an authorization server has none to give. */
export function makesJwts({ introspection, issuers }: Pick<GatewaySection, 'introspection' | 'issuers'>): boolean {
  return [introspection, ...issuers.map((issuer) => issuer.introspection)].some(
    ({ accept }) => accept !== 'application/jwt',
  );
}
