import type { IncomingMessage, ServerResponse } from 'node:http';
import { isEndpointPath, MOCK_SEGMENTS } from '@tallystick/authorization-server';
import { errorFields, type Log } from '@tallystick/common';
import { type Tenant, tenantSchema } from '../config/schema.ts';
import type { ManagedIssuer } from './issuer.ts';

/** The tenant that a request is for, and the path below it. */
export interface Target {
  readonly tenant: string;
  readonly path: string;
}

export interface TenantsOnDemandOptions {
  /** Maximum number of tenants that exist on demand. */
  readonly limit: number;
  /** The tenant of an id. */
  readonly tenantOf: (id: string) => Tenant;
  readonly log: Log;
}

/**
 * Makes tenants on demand, as mock-oauth2-server does: a request to an endpoint below `/{id}/` is enough. Their number is limited,
 * because each one has signing keys, and everyone who reaches the server can make them.
 */
export function createTenantsOnDemand(
  start: (tenant: Tenant) => Promise<ManagedIssuer>,
  { limit, tenantOf, log }: TenantsOnDemandOptions,
) {
  /** The tenants on demand. A request that meets one that is being made waits for it. */
  const made = new Map<string, Promise<ManagedIssuer>>();

  function find(id: string): Promise<ManagedIssuer> {
    const known = made.get(id);
    if (known !== undefined) return known;
    const starting = start(tenantOf(id));
    made.set(id, starting);
    starting.catch(() => made.delete(id));
    return starting;
  }

  return {
    /** Whether a request leads to a tenant on demand. */
    accepts({ tenant: id, path }: Target): boolean {
      if (limit === 0 || MOCK_SEGMENTS.has(id) || !isEndpointPath(path)) return false;
      if (made.has(id)) return true;
      if (!tenantSchema.shape.id.safeParse(id).success) return false;
      if (made.size < limit) return true;
      log.warn({ tenant: id, limit }, 'refused a tenant on demand: permissiveTenants allows no more');
      return false;
    },
    handle(id: string, request: IncomingMessage, response: ServerResponse): void {
      find(id).then(
        ({ handler }) => handler(request, response),
        (error) => {
          log.error({ tenant: id, ...errorFields(error) }, 'a tenant on demand did not start');
          response.writeHead(503, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
          response.end(JSON.stringify({ error: 'temporarily_unavailable', error_description: 'try again shortly' }));
        },
      );
    },
    /** The tenant was removed. */
    removed(id: string): void {
      made.delete(id);
    },
    /** Forgets the tenants on demand. @returns their ids */
    forget(): string[] {
      const ids = [...made.keys()];
      made.clear();
      return ids;
    },
  };
}
