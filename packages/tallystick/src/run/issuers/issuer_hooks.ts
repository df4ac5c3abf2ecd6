import { validate } from '@tallystick/common/config';
import type { z } from 'zod';
import { pathText } from '../../config/config_error.ts';
import { schemaFor } from '../../config/config_schema.ts';
import { introspectingClient } from '../../config/defaults.ts';
import { type Config, type Tenant, tenantSchema } from '../../config/schema.ts';
import type { Entries } from '../../harness/collections.ts';
import { InputError } from '../../harness/input_error.ts';
import type { AuthorizationServerRole } from '../authorization_server_role.ts';
import type { ShownIssuer } from '../server_pages.ts';
import type { TenantGateway } from '../tenant_gateway.ts';
import type { IssuerParts } from './issuer_parts.ts';

/** What happens when the entries or the keys of an issuer change, and where the gateway serves its APIs. */
export interface IssuerHooks extends Pick<AuthorizationServerRole, 'keysPublished' | 'gatewayUrl'> {
  readonly isFirst?: boolean;
  readonly check: (entries: Entries) => z.ZodError | undefined;
  readonly entriesChanged?: ((entries: Entries) => Promise<void>) | undefined;
  readonly gateway?: TenantGateway | undefined;
  /** The tenants at the issuer, for its page. */
  readonly tenantsBelow?: () => ShownIssuer['tenants'];
  /** Clients of the roles of this process, which the issuer knows beside its own. */
  readonly ownClients?: Config['clients'];
}

/** The gateway itself serves the APIs of the first issuer. */
export function firstIssuerHooks(config: Config, apisChanged: AuthorizationServerRole['apisChanged']): IssuerHooks {
  return {
    isFirst: true,
    check: ({ routes, ...entries }) =>
      validate(schemaFor('authorization-server'), { ...config, ...entries, gateway: { ...config.gateway, routes } })
        .error,
    entriesChanged: whenApisChange({ ...config, routes: config.gateway.routes }, apisChanged),
  };
}

/** A tenant has a gateway of its own, below its path. */
export function tenantHooks(
  tenant: Tenant,
  {
    config,
    issuer,
    controls,
    faultyStore,
    gatewayUrl,
    openTenantGateway,
  }: {
    readonly config: Config;
    readonly issuer: string;
  } & Pick<IssuerParts, 'controls' | 'faultyStore'> &
    Pick<AuthorizationServerRole, 'gatewayUrl' | 'openTenantGateway'>,
): IssuerHooks {
  const { id } = tenant;
  const check = (changed: Entries) =>
    validate(tenantSchema, { ...tenant, ...changed }).error ??
    validate(schemaFor('gateway'), asOnlyIssuer(changed, config)).error;
  const wrong = check(tenant)?.issues[0];
  if (wrong) throw new InputError(pathText(wrong.path.filter((step) => step !== 'gateway')), wrong.message);
  const gateway = openTenantGateway?.({
    ...{ id, issuer, entries: tenant, store: faultyStore, controls: controls.gateway },
  });
  const ownClients = [config.gateway.client, config.sampleApi.client].flatMap((client) =>
    client?.secret === undefined ? [] : introspectingClient({ id: client.id, secret: client.secret }),
  );
  return {
    check,
    entriesChanged: whenApisChange(tenant, gateway?.replace),
    keysPublished: gateway?.setKeys,
    gatewayUrl: () => {
      const url = gateway && gatewayUrl?.();
      return url === undefined ? undefined : `${url}/${id}`;
    },
    gateway,
    ownClients,
  };
}

/** A configuration with the APIs and routes of a tenant, to check them. */
function asOnlyIssuer({ apis, routes }: Entries, config: Config): Config {
  const gateway = { ...config.gateway, tokenHandlers: [], decisionEndpoints: [], routes };
  return { ...config, apis, clients: [], users: [], tenants: [], gateway };
}

/** Clients and users do not concern the other roles. */
function whenApisChange(
  known: Pick<Entries, 'apis' | 'routes'>,
  changed: ((entries: Entries) => Promise<void>) | undefined,
): (entries: Entries) => Promise<void> {
  let { apis, routes } = known;
  return async (entries) => {
    if (entries.apis === apis && entries.routes === routes) return;
    await changed?.(entries);
    ({ apis, routes } = entries);
  };
}
