import { randomUUID } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { mountPathOf, restoreIssuerPath, WELL_KNOWN } from '@tallystick/authorization-server';
import type { TokenStore } from '@tallystick/token-store';
import { completeTenant } from '../config/complete_config.ts';
import { type Config, type Tenant, tenantSchema } from '../config/schema.ts';
import type { TenantGateway } from '../run/tenant_gateway.ts';
import type { LibraryTenant } from '../run/upstreams/open_upstreams.ts';
import { checkInput, toConfigError, toInputError } from './input_error.ts';
import type { Issuer, ManagedIssuer } from './issuer.ts';
import { createTenantsOnDemand, type Target, type TenantsOnDemandOptions } from './tenants_on_demand.ts';
import { UnknownNameError } from './unknown_name.ts';

/** A tenant with this id exists. */
export class TenantExistsError extends Error {
  readonly code = 'conflict';
  override name = 'TenantExistsError';
}

/**
 * Further issuers, each at `{issuer}/{id}` with its own clients, users, keys, faults and records, and with its own routes at
 * `{gatewayUrl}/{id}`.
 */
export interface Tenants {
  list(): { readonly id: string; readonly issuer: string }[];
  /** Test controls of a tenant. @throws {InputError} no tenant has this id */
  get(id: string): Issuer;
  /**
   * @throws {InputError} the tenant is not valid
   * @throws {TenantExistsError} a tenant with this id exists
   */
  create(tenant: LibraryTenant): Promise<Issuer>;
  /** Removes a tenant with its faults and records. @returns whether there was a tenant with this id */
  remove(id: string): Promise<boolean>;
}

/** The tenants with the methods that their server needs. */
export interface ManagedTenants extends Tenants {
  readonly handler: RequestListener;
  /** Restores the configured tenants. Their records stay in the store: the caller clears it. */
  restore(): Promise<void>;
  /** Makes the tenants that exist on demand again when they are next used. Their records stay in the store. */
  renewOnDemand(): Promise<void>;
  /** The gateway of the tenant in a path. */
  gatewayAt(path: string): TenantGateway | undefined;
  /** Ends every wait in the tenants. */
  release(): void;
  /** Closes their gateways. */
  close(): Promise<void>;
}

export interface TenantsOptions {
  /** Issuer identifier of the first issuer. Its path does not change. */
  readonly issuer: () => string;
  readonly store: TokenStore;
  /** The configuration of the server. */
  readonly server: Pick<Config, 'host'>;
  /** Replaces applications as upstreams with their addresses. */
  readonly locate: (tenant: unknown) => Promise<unknown>;
  /** Creates the issuer of a tenant. */
  readonly start: (tenant: Tenant, issuer: string, store: TokenStore) => Promise<ManagedIssuer>;
  /** Handles requests for the first issuer. */
  readonly defaultHandler: RequestListener;
  readonly onDemand: TenantsOnDemandOptions;
}

/**
 * Serves tenants in front of the first issuer.
 *
 * @param configured tenants that exist from the start; processes that share a store share their records
 */
export async function createTenants(configured: readonly Tenant[], options: TenantsOptions): Promise<ManagedTenants> {
  const tenants = new Map<string, ManagedIssuer>();
  const add = createTenantStarter(tenants, options);
  const onDemand = createTenantsOnDemand((tenant) => add(tenant, tenant.id), options.onDemand);
  for (const [index, tenant] of configured.entries()) {
    await add(tenant, tenant.id).catch((error) => {
      throw toConfigError(error, `tenants[${index}]`);
    });
  }
  const configuredTenants = new Map(tenants);
  const mountPath = mountPathOf(options.issuer());
  const handle: RequestListener = (request, response) => {
    const target = targetOf(request.url ?? '/', mountPath);
    const known = tenants.get(target.tenant);
    if (known !== undefined || !onDemand.accepts(target)) (known?.handler ?? options.defaultHandler)(request, response);
    else onDemand.handle(target.tenant, request, response);
  };
  const isTenant = (tenant: string, path: string) => tenants.has(tenant) || onDemand.accepts({ tenant, path });
  const release = () => {
    for (const tenant of tenants.values()) tenant.release();
  };
  const close = async () => {
    await Promise.all([...tenants.values()].map((tenant) => tenant.gateway?.close()));
  };
  return {
    list: () => [...tenants].map(([id, { controls }]) => ({ id, issuer: controls.issuer })),
    get(id) {
      const tenant = tenants.get(id);
      if (!tenant) throw new UnknownNameError('tenant', 'tenant', id, [...tenants.keys()]);
      return tenant.controls;
    },
    async create(given) {
      const tenant = completeTenant(checkInput(tenantSchema, await options.locate(given)), options.server);
      // A new tenant with the id of a removed one does not see the old records.
      const created = await add(tenant, `${tenant.id}.${randomUUID()}`).catch((error) => {
        throw toInputError(error);
      });
      return created.controls;
    },
    async remove(id) {
      const tenant = tenants.get(id);
      if (!tenant) return false;
      tenants.delete(id);
      onDemand.removed(id);
      tenant.release();
      await tenant.gateway?.close();
      // Other processes on the store may still use the records of a configured tenant.
      if (configuredTenants.get(id) !== tenant) await tenant.controls.reset();
      return true;
    },
    handler: restoreIssuerPath(options.issuer(), isTenant, handle),
    async restore() {
      release();
      await close();
      onDemand.forget();
      tenants.clear();
      for (const [id, tenant] of configuredTenants) tenants.set(id, tenant);
      await Promise.all([...configuredTenants.values()].map((tenant) => tenant.restore()));
    },
    async renewOnDemand() {
      for (const id of onDemand.forget()) {
        const tenant = tenants.get(id);
        tenants.delete(id);
        tenant?.release();
        await tenant?.gateway?.close();
      }
    },
    gatewayAt: (path) => tenants.get(targetOf(path, '').tenant)?.gateway,
    release,
    close,
  };
}

/** Starts a tenant on its partition of the store and adds it, unless another tenant has its id. */
function createTenantStarter(tenants: Map<string, ManagedIssuer>, { issuer, store, start }: TenantsOptions) {
  const starting = new Set<string>();
  return async (tenant: Tenant, partition: string): Promise<ManagedIssuer> => {
    const { id } = tenant;
    if (tenants.has(id) || starting.has(id)) throw new TenantExistsError(`a tenant with the id "${id}" already exists`);
    starting.add(id);
    try {
      const added = await start(tenant, `${issuer()}/${id}`, store.partition(partition));
      tenants.set(id, added);
      return added;
    } finally {
      starting.delete(id);
    }
  };
}

/** The tenant in a URL, and the path below it: the tenant is the first segment below the path of the first issuer. */
function targetOf(url: string, mountPath: string): Target {
  const path = url.split('?', 1)[0] ?? '';
  const [wellKnown = ''] = WELL_KNOWN.exec(path) ?? [];
  const complete = path.slice(wellKnown.length) + wellKnown;
  if (!complete.startsWith(`${mountPath}/`)) return { tenant: '', path };
  const below = complete.slice(mountPath.length);
  const [, tenant = ''] = below.split('/', 2);
  return { tenant, path: below.slice(tenant.length + 1) };
}
