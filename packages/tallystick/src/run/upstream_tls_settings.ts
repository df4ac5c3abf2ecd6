import type { RouteConfig } from '@tallystick/gateway';
import type { Config } from '../config/schema.ts';
import { readMaterial } from './read_material.ts';
import type { Tls } from './tls/trust.ts';

/**
 * Adds to routes how the gateway speaks TLS with their upstreams, with what the configuration names files for.
 *
 * @param routes one for each of the configuration
 * @throws {ConfigError} a file cannot be read
 */
export function withUpstreamTls(
  { gateway }: Config,
  routes: readonly RouteConfig[],
  tls: Tls | undefined,
): Promise<RouteConfig[]> {
  return Promise.all(
    routes.map(async (route, index) => {
      const configured = gateway.routes[index]?.upstreamTls;
      if (configured === undefined) return route;
      const read = (name: 'ca' | 'certificate' | 'key') =>
        readMaterial(['gateway', 'routes', index, 'upstreamTls', name], configured[name]);
      const { servername, certificate } = configured;
      // With a certificate of its own the route has trust of its own too, which includes whom the roles trust.
      const ca = configured.ca === undefined ? tls?.trust.cas : await read('ca');
      const upstreamTls = {
        ...(servername !== undefined && { servername }),
        ...(ca !== undefined && { ca }),
        ...(certificate !== undefined && { certificate: await read('certificate'), key: await read('key') }),
      };
      return { ...route, upstreamTls };
    }),
  );
}
