import { randomUUID } from 'node:crypto';
import type { RequestListener } from 'node:http';
import type { AuthorizationServer } from '@tallystick/authorization-server';
import type { TokenStore } from '@tallystick/token-store';
import { type Tenant, type TenantInput, tenantSchema } from './config/schema.ts';
import { checkInput } from './input_error.ts';
import { asConfigError, asInputError } from './wrong_client.ts';

/** There is a tenant of that id already. */
export class TenantExistsError extends Error {
  readonly code = 'conflict';
  override name = 'TenantExistsError';
}

/** Issuers beside the first one, each at `{issuer}/{id}` with clients, users, keys and records of its own. */
export interface Tenants {
  list(): { readonly id: string; readonly issuer: string }[];
  /**
   * @returns the tenant's issuer identifier
   * @throws {InputError} it cannot be used
   * @throws {TenantExistsError} there is one of that id already
   */
  create(tenant: TenantInput): Promise<string>;
  /** @returns whether there was one of that id */
  remove(id: string): boolean;
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

  const starting = new Set<string>();

  async function add(tenant: Tenant, partition: string): Promise<string> {
    const { id } = tenant;
    if (servers.has(id) || starting.has(id)) throw new TenantExistsError(`there is a tenant "${id}" already`);
    starting.add(id);
    try {
      servers.set(id, await start(tenant, issuerOf(id), store.partition(`tenant:${partition}`)));
    } finally {
      starting.delete(id);
    }
    return issuerOf(id);
  }

  for (const [index, tenant] of configured.entries()) {
    await add(tenant, tenant.id).catch((error) => {
      throw asConfigError(error, `tenants[${index}]`);
    });
  }

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
    async create(given) {
      const tenant = checkInput(tenantSchema, given);
      return add(tenant, `${tenant.id}:${randomUUID()}`).catch((error) => {
        throw asInputError(error);
      });
    },
    remove: (id) => servers.delete(id),
  };
}

/** The tenant that a path is for: its first segment, or the last one of RFC 8414's well-known path. */
function tenantOf(url: string): string {
  const path = url.split('?', 1)[0] ?? '';
  return path.replace(/^\/\.well-known\/oauth-authorization-server(?=\/)/, '').split('/')[1] ?? '';
}
