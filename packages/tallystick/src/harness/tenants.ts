import { randomUUID } from 'node:crypto';
import type { RequestListener } from 'node:http';
import type { TokenStore } from '@tallystick/token-store';
import { type Tenant, type TenantInput, tenantSchema } from '../config/schema.ts';
import { checkInput, InputError } from './input_error.ts';
import type { Issuer, RunningIssuer } from './issuer.ts';
import { asConfigError, asInputError } from './wrong_client.ts';

/** There is a tenant of that id already. */
export class TenantExistsError extends Error {
  readonly code = 'conflict';
  override name = 'TenantExistsError';
}

/** Issuers beside the first one, each at `{issuer}/{id}` with clients, users, keys, faults and records of its own. */
export interface Tenants {
  list(): { readonly id: string; readonly issuer: string }[];
  /** What may be done to a tenant. @throws {InputError} there is none of that id */
  get(id: string): Issuer;
  /**
   * @throws {InputError} it cannot be used
   * @throws {TenantExistsError} there is one of that id already
   */
  create(tenant: TenantInput): Promise<Issuer>;
  /** Removes a tenant with its faults and records. @returns whether there was one of that id */
  remove(id: string): Promise<boolean>;
}

/** The tenants, as whoever runs them sees them. */
export interface RunningTenants extends Tenants {
  readonly handler: RequestListener;
  /** Back to those that were configured, each as it was configured. What they stored is for who has the store to clear. */
  restore(): Promise<void>;
  /** Keeps nobody waiting. */
  letGo(): void;
}

export interface TenantsOptions {
  /** Issuer identifier of the first issuer. */
  readonly issuer: string;
  readonly store: TokenStore;
  /** Makes the issuer of a tenant. */
  readonly start: (tenant: Tenant, issuer: string, store: TokenStore) => Promise<RunningIssuer>;
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
): Promise<RunningTenants> {
  const running = new Map<string, RunningIssuer>();
  const starting = new Set<string>();

  async function add(tenant: Tenant, partition: string): Promise<RunningIssuer> {
    const { id } = tenant;
    if (running.has(id) || starting.has(id)) throw new TenantExistsError(`there is a tenant "${id}" already`);
    starting.add(id);
    try {
      const added = await start(tenant, `${issuer}/${id}`, store.partition(partition));
      running.set(id, added);
      return added;
    } finally {
      starting.delete(id);
    }
  }

  for (const [index, tenant] of configured.entries()) {
    await add(tenant, tenant.id).catch((error) => {
      throw asConfigError(error, `tenants[${index}]`);
    });
  }
  const atStart = new Map(running);

  return {
    list: () => [...running].map(([id, { controls }]) => ({ id, issuer: controls.issuer })),
    get(id) {
      const tenant = running.get(id);
      if (!tenant) throw new InputError('tenant', 'expected the id of a tenant');
      return tenant.controls;
    },
    async create(given) {
      const tenant = checkInput(tenantSchema, given);
      // A tenant made again under the same name starts with nothing of the one before it.
      const created = await add(tenant, `${tenant.id}.${randomUUID()}`).catch((error) => {
        throw asInputError(error);
      });
      return created.controls;
    },
    async remove(id) {
      const tenant = running.get(id);
      if (!tenant) return false;
      running.delete(id);
      tenant.letGo();
      // What a configured one stored is also that of the other processes on the store.
      if (atStart.get(id) !== tenant) await tenant.controls.reset();
      return true;
    },
    handler(request, response) {
      const tenant = running.get(tenantOf(request.url ?? '/'));
      (tenant?.handler ?? otherwise)(request, response);
    },
    async restore() {
      for (const tenant of running.values()) tenant.letGo();
      running.clear();
      for (const [id, tenant] of atStart) running.set(id, tenant);
      await Promise.all([...atStart.values()].map((tenant) => tenant.restore()));
    },
    letGo() {
      for (const tenant of running.values()) tenant.letGo();
    },
  };
}

/** The tenant that a path is for: its first segment, or the last one of RFC 8414's well-known path. */
function tenantOf(url: string): string {
  const path = url.split('?', 1)[0] ?? '';
  return path.replace(/^\/\.well-known\/oauth-authorization-server(?=\/)/, '').split('/')[1] ?? '';
}
