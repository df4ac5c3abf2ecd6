import type { ManagedClock } from '../harness/clock/create_clock.ts';
import type { Entries } from '../harness/collections.ts';
import type { RoleDependencies } from './dependencies.ts';
import type { TenantGateway, TenantOfGateway } from './tenant_gateway.ts';
import type { Upstreams } from './upstreams/open_upstreams.ts';

/** What the authorization server needs besides its configuration. */
export interface AuthorizationServerRole extends Pick<RoleDependencies, 'store' | 'log' | 'tls' | 'fetch'> {
  readonly clock: ManagedClock;
  /** Whether tests may record its requests and inject faults. */
  readonly intercepted: boolean;
  /** Base URL of the gateway of this process, if it has one. */
  readonly gatewayUrl?: (() => string | undefined) | undefined;
  /** Creates the gateway of a tenant. Default: tenants have none. */
  readonly openTenantGateway?: ((tenant: TenantOfGateway) => TenantGateway) | undefined;
  /** Replaces applications as upstreams with their addresses. Default: upstreams are addresses. */
  readonly locate?: Upstreams['locate'] | undefined;
  /** Called after APIs or routes of the first issuer changed, for the other roles of this process. */
  readonly apisChanged?: ((entries: Entries) => Promise<void>) | undefined;
  /** Called after the first issuer got another name, for the other roles of this process. */
  readonly issuerChanged?: ((issuer: string) => Promise<void>) | undefined;
  /** Called with the public keys of the first issuer when they change, before one of the new keys signs. */
  readonly keysPublished?: ((jwks: { readonly keys: readonly unknown[] }) => void) | undefined;
}
