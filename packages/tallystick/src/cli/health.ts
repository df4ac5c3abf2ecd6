import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { HEALTH_PATHS } from '@tallystick/common';
import { type ConfigSource, readSections } from '../config/config_source.ts';
import type { ConfigSections } from '../config/schema.ts';
import { listensWithTls } from '../config/tls.ts';
import { UsageError } from './usage.ts';

/** Milliseconds for the answer of a server. */
const TIMEOUT = 3_000;

/** A server that may run in this container. */
interface Server {
  readonly name: string;
  readonly url: URL;
}

/** The outcome of a call: the status, or undefined if nothing listens there. */
type Outcome = number | undefined;

/**
 * `tallystick health`, for the health check of a container: whether the servers that run here with this configuration answer. Of
 * several roles, those that do not run here do not count.
 *
 * @returns the exit code: 0 if at least one server answers, and each that listens answers with 200
 */
export async function health(source: ConfigSource): Promise<number> {
  const servers = serversOf(await readSections(source, process.env));
  if (servers.length === 0)
    throw new UsageError('every port is chosen at the start, so health cannot know it', 'health');
  const outcomes = await Promise.all(servers.map(async (server) => ({ server, outcome: await ask(server) })));
  const listening = outcomes.filter(({ outcome }) => outcome !== undefined);
  const failing = listening.filter(({ outcome }) => outcome !== 200);
  for (const { server, outcome } of failing) console.error(`the ${server.name} answers ${outcome} at ${server.url}`);
  if (listening.length === 0) console.error(`no server answers at ${servers.map(({ url }) => url.href).join(', ')}`);
  if (listening.length === 0 || failing.length > 0) return 1;
  console.log(`healthy: ${listening.map(({ server }) => server.name).join(', ')}`);
  return 0;
}

function serversOf(config: ConfigSections): Server[] {
  const { host, authorizationServer, gateway, sampleApi } = config;
  const operations = gateway.operations ?? { host, port: gateway.port };
  const servers = [
    { name: 'authorization server', host, port: authorizationServer.port, scheme: schemeOf(config) },
    // The separate port for operations has no TLS.
    { name: 'gateway', ...operations, scheme: gateway.operations ? 'http' : schemeOf(config) },
    { name: 'sample API', host, port: sampleApi.port, scheme: schemeOf(config) },
  ];
  return servers
    .filter(({ port }) => port !== 0)
    .map(({ name, host, port, scheme }) => ({
      name,
      url: new URL(`${scheme}://${reachable(host)}:${port}${HEALTH_PATHS.liveness}`),
    }));
}

function schemeOf(config: ConfigSections): string {
  return listensWithTls(config) ? 'https' : 'http';
}

/** An address of this machine at which a server that listens on `host` answers. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

/** @returns 0 if a server listens and does not answer */
function ask({ url }: Server): Promise<Outcome> {
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve) => {
    // The certificate is for the names of clients, and this call stays on this machine.
    const asked = request(url, { timeout: TIMEOUT, rejectUnauthorized: false, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', (error: NodeJS.ErrnoException) => resolve(NOBODY.has(error.code ?? '') ? undefined : 0));
    asked.end();
  });
}

/** Codes of errors of an address at which nothing listens. */
const NOBODY = new Set(['ECONNREFUSED', 'EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN']);
