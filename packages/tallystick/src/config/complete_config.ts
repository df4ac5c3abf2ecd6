import { createHmac, randomBytes } from 'node:crypto';
import { clientsByDefault, introspectingClient, routesByDefault, usersByDefault } from './defaults.ts';
import { listensOnLoopback } from './listens_on_loopback.ts';
import type { Role } from './role.ts';
import { type Config, type ConfigSections, FROM_REQUEST, type Tenant } from './schema.ts';
import { listensWithTls } from './tls.ts';

/** Names of the clients with which the roles introspect. No configuration has to mention them. */
const OWN_CLIENTS = { gateway: 'tallystick-gateway', sampleApi: 'tallystick-sample-api' } as const;

/** Whether a client is one with which a role introspects by default. */
export function isOwnClient({ id }: { readonly id: string }): boolean {
  return id === OWN_CLIENTS.gateway || id === OWN_CLIENTS.sampleApi;
}

/** Stands for `secret` in a process that runs all roles. The same at each reload, so that their own clients do not change. */
const processSecret = randomBytes(32).toString('base64url');

/**
 * Adds the defaults that depend on other sections: users, clients, routes, and the clients with which the roles introspect. A
 * complete configuration stays the same.
 *
 * @param role the only role of the process; undefined for all of them
 */
export function completeConfig({ $schema: _, ...sections }: ConfigSections, role: Role | undefined): Config {
  const { apis, gateway } = sections;
  const known = withUsersAndClients(sections, role);
  const tenants = sections.tenants.map((tenant) => completeTenant(tenant, sections));
  const routes = gateway.routes ?? routesByDefault(apis);
  const config = { ...sections, ...issuerOf(sections), ...known, tenants, gateway: { ...gateway, routes } };
  return withOwnClients(config, role, sections.clients !== undefined || issuesTokens(role));
}

/** With `issuer: from-request`, the first issuer is the one that this machine asks for. */
function issuerOf(sections: Pick<ConfigSections, 'issuer' | 'issuerFromRequest' | 'tls' | 'authorizationServer'>) {
  const { issuer, issuerFromRequest, authorizationServer } = sections;
  if (issuer !== FROM_REQUEST) return { issuer, issuerFromRequest };
  const scheme = listensWithTls(sections) ? 'https' : 'http';
  return { issuer: `${scheme}://localhost:${authorizationServer.port}`, issuerFromRequest: true };
}

/** Adds the users, clients and routes that a tenant has by default. */
export function completeTenant(
  tenant: ConfigSections['tenants'][number],
  server: Pick<ConfigSections, 'host'>,
): Tenant {
  return { ...tenant, ...entriesByDefault(tenant, server), routes: tenant.routes ?? routesByDefault(tenant.apis) };
}

function issuesTokens(role: Role | undefined): boolean {
  return role === undefined || role === 'authorization-server';
}

function withUsersAndClients(
  sections: Pick<ConfigSections, 'users' | 'clients' | 'host'>,
  role: Role | undefined,
): Pick<Config, 'users' | 'clients'> {
  const { users = [], clients = [] } = sections;
  return issuesTokens(role) ? entriesByDefault(sections, sections) : { users, clients };
}

function entriesByDefault(
  given: Pick<ConfigSections, 'users' | 'clients'>,
  server: Pick<ConfigSections, 'host'>,
): Pick<Config, 'users' | 'clients'> {
  const { users = [], clients = [] } = given;
  const defaults = { clients: clientsByDefault({ isLoopback: listensOnLoopback(server) }), users: usersByDefault() };
  // The subject of a token is a user or a client, so no default has the name of a configured entry.
  const isFree = ({ id }: { readonly id: string }) => ![...users, ...clients].some((known) => known.id === id);
  return {
    clients: given.clients ?? defaults.clients.filter(isFree),
    users: given.users ?? defaults.users.filter(isFree),
  };
}

/** @param knowsClients whether the configuration has the clients of the authorization server */
function withOwnClients(config: Config, role: Role | undefined, knowsClients: boolean): Config {
  const secret = config.secret ?? (role === undefined ? processSecret : undefined);
  if (secret === undefined) return config;
  const completed = { ...config };
  for (const section of ['gateway', 'sampleApi'] as const) {
    if (config[section].client !== undefined) continue;
    const id = OWN_CLIENTS[section];
    const client = { id, secret: createHmac('sha256', secret).update(`client ${id}`).digest('base64url') };
    completed[section] = { ...completed[section], client } as never;
    if (knowsClients) completed.clients = [...completed.clients, introspectingClient(client)];
  }
  return completed;
}
