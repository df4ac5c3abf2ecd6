import { randomUUID } from 'node:crypto';
import type { RequestListener } from 'node:http';
import type { AuthorizationServer } from '@tallystick/authorization-server';
import type { TokenStore } from '@tallystick/token-store';
import { checkTenant } from './config/load_config.ts';
import type { Tenant, TenantInput } from './config/schema.ts';

/** Issuers beside the first one, each at `{issuer}/{id}` with clients, users, keys and records of its own. */
export interface Tenants {
  list(): { readonly id: string; readonly issuer: string }[];
  /**
   * @returns the tenant's issuer identifier
   * @throws {ConfigError} it cannot be used
   * @throws {TypeError} there is one of that id already
   */
  create(tenant: TenantInput): Promise<string>;
  /** @throws {TypeError} there is none of that id */
  remove(id: string): void;
  /** Back to those that were configured. */
  reset(): void;
}

export interface TenantsOptions {
  /** Issuer identifier of the first issuer. */
  readonly issuer: string;
  readonly store: TokenStore;
  /** Makes the authorization server of a tenant. */
  readonly start: (tenant: Tenant, issuer: string, store: TokenStore) => Promise<AuthorizationServer>;
  /** Answers what is for no tenant. */
  readonly otherwise: RequestListener;
}

/**
 * Puts tenants before an authorization server.
 *
 * @param configured those that are there from the start; processes on one store share their records
 */
export async function createTenants(
  configured: readonly Tenant[],
  { issuer, store, start, otherwise }: TenantsOptions,
): Promise<Tenants & { readonly handler: RequestListener }> {
  const servers = new Map<string, AuthorizationServer>();
  const issuerOf = (id: string) => `${issuer}/${id}`;

  async function add(tenant: Tenant, partition: string): Promise<string> {
    if (servers.has(tenant.id)) throw new TypeError(`there is a tenant "${tenant.id}" already`);
    servers.set(tenant.id, await start(tenant, issuerOf(tenant.id), store.partition(`tenant:${partition}`)));
    return issuerOf(tenant.id);
  }

  for (const tenant of configured) await add(tenant, tenant.id);

  const atStart = [...servers];
  return {
    reset() {
      servers.clear();
      for (const [id, server] of atStart) servers.set(id, server);
    },
    handler(request, response) {
      const server = servers.get(tenantOf(request.url ?? '/'));
      (server?.handler ?? otherwise)(request, response);
    },
    list: () => [...servers.keys()].map((id) => ({ id, issuer: issuerOf(id) })),
    // A tenant made again under the same name starts with nothing of the one before it.
    create: async (tenant) => add(checkTenant(tenant), `${tenant.id}:${randomUUID()}`),
    remove(id) {
      if (!servers.delete(id)) throw new TypeError(`there is no tenant "${id}"`);
    },
  };
}

/** The tenant that a path is for: its first segment, or the last one of RFC 8414's well-known path. */
function tenantOf(url: string): string {
  const path = url.split('?', 1)[0] ?? '';
  return path.replace(/^\/\.well-known\/oauth-authorization-server(?=\/)/, '').split('/')[1] ?? '';
}
