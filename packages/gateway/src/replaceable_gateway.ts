import { isDeepStrictEqual } from 'node:util';
import { createUseOnce } from './authorize/sender_constraint.ts';
import type { GatewayConfig } from './config/config.ts';
import { createGateway, type Gateway } from './gateway.ts';
import type { GatewayDependencies } from './gateway_dependencies.ts';

/** A gateway whose configuration can be replaced while it runs. */
export interface ReplaceableGateway
  extends Pick<Gateway, 'handler' | 'upgrade' | 'operations' | 'unreadable' | 'drain' | 'close' | 'upstreamHealth'> {
  /**
   * Replaces the configuration for new requests. Requests and WebSockets in progress finish with the old configuration. The new one takes
   * over once the keys of its authorization servers are fetched, so that no request fails because of the change. Concurrent calls run one
   * after the other.
   *
   * @throws {TypeError} when the configuration is invalid; nothing changed
   * @throws {ValidationUnavailableError} when the keys of an authorization server cannot be fetched; nothing changed
   */
  replace(config: GatewayConfig): Promise<void>;
  /** Sets the keys of the gateway's own authorization server without a fetch. @param jwks the complete set */
  setKeys(jwks: { readonly keys: readonly unknown[] }): void;
}

/**
 * Creates a gateway whose configuration can be replaced. Each configuration gets a {@link Gateway} of its own, on the same server and the
 * same store.
 *
 * @throws {TypeError} for an invalid configuration
 */
export function createReplaceableGateway(config: GatewayConfig, given: GatewayDependencies): ReplaceableGateway {
  const { store, now = () => Date.now() } = given;
  // Proofs stay used when the configuration is replaced.
  const dependencies = { useOnce: createUseOnce(config.dpop, { store, now }), ...given };
  let current = { config, gateway: createGateway(config, dependencies) };
  const retiring = new Set<Gateway>();
  let lastReplacement: Promise<void> = Promise.resolve();
  let isDraining = false;

  async function takeOver(changed: GatewayConfig): Promise<void> {
    const next = await createReady(changed);
    const last = current.gateway;
    if (isDraining) next.drain();
    current = { config: changed, gateway: next };
    retiring.add(last);
    void last.retire().then(() => retiring.delete(last));
  }

  /** Creates a gateway that has its keys. It does not wait for the revocation feed: until the feed is up, the gateway caches nothing. */
  async function createReady(changed: GatewayConfig): Promise<Gateway> {
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
    setKeys: (jwks) => current.gateway.keys.get(current.config.issuer)?.take(jwks),
    upstreamHealth: () => current.gateway.upstreamHealth(),
    replace(changed) {
      const replaced = lastReplacement.then(() => takeOver(changed));
      lastReplacement = replaced.catch(() => {}); // The caller of `replace` gets the error.
      return replaced;
    },
    async close(lastRequest) {
      await lastReplacement;
      await Promise.all([current.gateway, ...retiring].map((gateway) => gateway.close(lastRequest)));
    },
  };
}

/** The part of a configuration that determines the keys of a gateway. */
function keySource({ issuer, authorizationServer, issuers, timeouts, jwks }: GatewayConfig) {
  const sources = issuers.map((other) => [other.issuer, other.jwksUri]);
  return [issuer, authorizationServer.jwksUri, sources, timeouts.authorizationServer, jwks];
}
