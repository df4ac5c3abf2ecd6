import { isDeepStrictEqual } from 'node:util';
import type { GatewayConfig } from './config/config.ts';
import { createGateway, type Gateway } from './gateway.ts';
import type { GatewayDependencies } from './gateway_dependencies.ts';

/** A gateway that can take another configuration while it runs. */
export interface ReplaceableGateway
  extends Pick<Gateway, 'handler' | 'upgrade' | 'operations' | 'unreadable' | 'drain' | 'close' | 'upstreamHealth'> {
  /**
   * Serves new requests by another configuration; those under way, WebSockets among them, finish by the one before.
   * The new one takes over once it has the authorization servers' keys, so that no request fails for the change.
   * Several at once are made one after the other.
   *
   * @throws {TypeError} it cannot be served; nothing changed
   * @throws {ValidationUnavailableError} an authorization server that it names does not give its keys; nothing changed
   */
  replace(config: GatewayConfig): Promise<void>;
  /** Takes the keys of the gateway's own authorization server as somebody knows them without a fetch, the whole set. */
  takeKeys(jwks: { readonly keys: readonly unknown[] }): void;
}

/**
 * Makes a gateway whose configuration can be replaced: for every configuration a {@link Gateway} of its own, all on the same
 * server and the same store.
 *
 * @throws {TypeError} for a configuration that cannot be served
 */
export function createReplaceableGateway(config: GatewayConfig, dependencies: GatewayDependencies): ReplaceableGateway {
  let current = { config, gateway: createGateway(config, dependencies) };
  const retiring = new Set<Gateway>();
  let lastReplacement: Promise<void> = Promise.resolve();
  let isDraining = false;

  async function take(changed: GatewayConfig): Promise<void> {
    const next = await ready(changed);
    const last = current.gateway;
    if (isDraining) next.drain();
    current = { config: changed, gateway: next };
    retiring.add(last);
    void last.retire().then(() => retiring.delete(last));
  }

  /** The revocation feed is the store's, and up for a new gateway if it was for the last one; until it is, nothing is cached. */
  async function ready(changed: GatewayConfig): Promise<Gateway> {
    if (isDeepStrictEqual(keySource(changed), keySource(current.config))) {
      return createGateway(changed, { ...dependencies, keys: current.gateway.keys });
    }
    const gateway = createGateway(changed, dependencies);
    try {
      await Promise.all([...gateway.keys.values()].map((jwks) => jwks.refresh()));
    } catch (error) {
      await gateway.close();
      dependencies.metrics?.watch(current.gateway);
      throw error;
    }
    return gateway;
  }

  return {
    handler: (request, response) => current.gateway.handler(request, response),
    upgrade: (request, socket, head) => current.gateway.upgrade(request, socket, head),
    operations: (request, response) => current.gateway.operations(request, response),
    drain() {
      isDraining = true;
      current.gateway.drain();
    },
    unreadable: (error) => current.gateway.unreadable(error),
    takeKeys: (jwks) => current.gateway.keys.get(current.config.issuer)?.take(jwks),
    upstreamHealth: () => current.gateway.upstreamHealth(),
    replace(changed) {
      const replaced = lastReplacement.then(() => take(changed));
      lastReplacement = replaced.catch(() => {}); // Whoever asked for it is told.
      return replaced;
    },
    async close(lastRequest) {
      await lastReplacement;
      await Promise.all([current.gateway, ...retiring].map((gateway) => gateway.close(lastRequest)));
    },
  };
}

/** What decides which keys a gateway has. */
function keySource({ issuer, authorizationServer, issuers = [], timeouts, jwks }: GatewayConfig) {
  const sources = issuers.map((other) => [other.issuer, other.jwksUri]);
  return [issuer, authorizationServer.jwksUri, sources, timeouts.authorizationServer, jwks];
}
