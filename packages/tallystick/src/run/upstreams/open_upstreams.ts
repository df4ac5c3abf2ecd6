import { createServer } from 'node:http';
import type { ConfigInput, TenantInput } from '../../config/schema.ts';
import { type Listening, listen } from '../listen.ts';
import { isApp, isServer, listenerOf, type UpstreamApp } from './app_listener.ts';

/** Where an API is: the origin of a server, or an application in this process. */
export type Upstream = string | UpstreamApp;

/** An entry whose upstream may be an application. */
export type WithUpstream<Entry> = Entry extends { upstream?: string | undefined }
  ? Omit<Entry, 'upstream'> & { upstream?: Upstream | undefined }
  : Entry;

type ApiInput = NonNullable<ConfigInput['apis']>[number];
type GatewayInput = NonNullable<ConfigInput['gateway']>;
type RouteInput = NonNullable<GatewayInput['routes']>[number];
type Apis = WithUpstream<ApiInput>[];
type Routes = WithUpstream<RouteInput>[];

/** A tenant in which the upstreams of APIs and routes may be applications. */
export interface LibraryTenant extends Omit<TenantInput, 'apis' | 'routes'> {
  apis?: Apis | undefined;
  routes?: Routes | undefined;
}

/** A configuration in which the upstreams of APIs and routes may be applications. */
export interface LibraryConfig extends Omit<ConfigInput, 'apis' | 'gateway' | 'tenants'> {
  apis?: Apis | undefined;
  gateway?: (Omit<GatewayInput, 'routes'> & { routes?: Routes | undefined }) | undefined;
  tenants?: LibraryTenant[] | undefined;
}

/** Serves applications at ports of this machine, so that a gateway can call them. */
export interface Upstreams {
  /**
   * Replaces the applications in an API, a route, a tenant or a whole configuration with the origins at which they are served. Any
   * other value stays as it is, valid or not.
   */
  locate(value: unknown): Promise<unknown>;
  stop(): Promise<void>;
}

/** Names of the values in which applications are found. */
const WITH_APPS = ['apis', 'routes', 'gateway', 'tenants'];

export function createUpstreams(): Upstreams {
  const servers = new Map<UpstreamApp, Promise<Listening>>();

  async function originOf(app: UpstreamApp): Promise<string> {
    const server = servers.get(app) ?? serve(app);
    servers.set(app, server);
    return `http://127.0.0.1:${(await server).port}`;
  }

  async function locate(value: unknown): Promise<unknown> {
    if (Array.isArray(value)) return Promise.all(value.map(locate));
    if (typeof value !== 'object' || value === null) return value;
    const located: Record<string, unknown> = { ...value };
    for (const name of WITH_APPS) if (name in value) located[name] = await locate(Reflect.get(value, name));
    if ('upstream' in value && isApp(value.upstream)) located.upstream = await originOf(value.upstream);
    return located;
  }

  return {
    locate,
    async stop() {
      const started = await Promise.allSettled(servers.values());
      servers.clear();
      await Promise.all(started.map((server) => server.status === 'fulfilled' && server.value.stop()));
    },
  };
}

async function serve(app: UpstreamApp): Promise<Listening> {
  const server = createServer(await listenerOf(app));
  if (isServer(app)) server.on('upgrade', (...parameters) => app.emit('upgrade', ...parameters));
  return listen(server, { host: '127.0.0.1', port: 0, setting: 'upstream' });
}
