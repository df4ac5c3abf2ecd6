import type { z } from 'zod';
import { type Config, clientSchema, userSchema } from './schema.ts';

type Api = Config['apis'][number];
type Route = Config['gateway']['routes'][number];
type Client = Config['clients'][number];

/**
 * The clients of a configuration without `clients`. The secret of the second one is known to everyone, and it needs no user: a server
 * that others can reach does not have it.
 */
export function clientsByDefault({ isLoopback }: { readonly isLoopback: boolean }): Client[] {
  const web = complete(clientSchema, {
    id: 'demo-web',
    name: 'Demo web application',
    grants: ['authorization_code', 'refresh_token'],
    applicationType: 'native', // Any port of this machine.
    redirectUris: LOOPBACK_HOSTS.map((host) => `http://${host}/callback`),
    postLogoutRedirectUris: LOOPBACK_HOSTS.map((host) => `http://${host}/`),
  });
  const service = complete(clientSchema, {
    id: 'demo-service',
    secret: 'demo-service-secret',
    name: 'Demo service',
    grants: ['client_credentials'],
  });
  return isLoopback ? [web, service] : [web];
}

const LOOPBACK_HOSTS = ['localhost', '127.0.0.1', '[::1]'];

/** The users of a configuration without `users`. */
export function usersByDefault(): Config['users'] {
  return [
    complete(userSchema, {
      id: 'alice',
      claims: { name: 'Alice Adams', email: 'alice@example.com', email_verified: true },
    }),
    complete(userSchema, { id: 'bob', claims: { name: 'Bob Baker', email: 'bob@example.com', email_verified: true } }),
  ];
}

/** A client with which a role introspects. */
export function introspectingClient(credentials: { readonly id: string; readonly secret: string }): Client {
  return complete(clientSchema, { ...credentials, introspects: true });
}

function complete<Schema extends z.ZodType>(schema: Schema, entry: z.input<Schema>): z.output<Schema> {
  return schema.parse(entry, { jitless: true });
}

/**
 * The routes of a configuration without routes: the only API gets every path. Of several APIs, each gets the path of its resource
 * indicator, unless it has none or shares it.
 */
export function routesByDefault(apis: readonly Api[]): Route[] {
  if (apis.length === 1) return apis.map((api) => routeTo(api, '/'));
  const prefixes = apis.map(({ resource }) => pathOf(resource));
  const isFree = (prefix: string) =>
    prefixes.filter((other) => other?.toLowerCase() === prefix.toLowerCase()).length === 1;
  return apis.flatMap((api, index) => {
    const prefix = prefixes[index];
    return prefix !== undefined && isFree(prefix) ? [routeTo(api, prefix)] : [];
  });
}

/** @returns undefined for a path that cannot be a prefix */
function pathOf(resource: string): string | undefined {
  const { protocol, pathname } = new URL(resource);
  const isPrefix = /^(?:\/[\w~.-]*[\w~-])+$/.test(pathname);
  return isPrefix && /^https?:$/.test(protocol) ? pathname : undefined;
}

function routeTo({ resource: api, scopes }: Api, prefix: string): Route {
  const route = { prefix, api, preserveHost: false };
  return scopes.length === 0 ? route : { ...route, scopes: { '*': { anyOf: scopes } } };
}
