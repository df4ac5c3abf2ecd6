import { createNetworks, isLoopbackName, isNetwork } from '@tallystick/common';
import type { ProxyAgent } from 'undici';
import { ConfigError } from '../config/config_error.ts';
import type { Trust } from './tls/trust.ts';

/** Finds the proxy for a URL. @returns undefined for a direct call */
export type ProxyFor = (url: string) => string | undefined;

/**
 * Reads the proxies of the environment as curl and Go do: `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`. The names in lower case take
 * precedence. Calls to this machine never use a proxy.
 *
 * @returns undefined if no proxy is set
 * @throws {ConfigError} a proxy is not an http or https URL
 */
export function createProxyFor(environment: NodeJS.ProcessEnv): ProxyFor | undefined {
  const proxies = {
    'http:': readProxy(environment, 'http_proxy'),
    'https:': readProxy(environment, 'https_proxy'),
  } as Readonly<Record<string, string | undefined>>;
  if (proxies['http:'] === undefined && proxies['https:'] === undefined) return undefined;

  const isExempt = createExemptions(environment.no_proxy || environment.NO_PROXY || '');
  return (text) => {
    const url = new URL(text);
    return isLoopbackName(url.hostname) || isExempt(url) ? undefined : proxies[url.protocol];
  };
}

function readProxy(environment: NodeJS.ProcessEnv, name: string): string | undefined {
  const value = environment[name] || environment[name.toUpperCase()];
  if (value === undefined || value === '') return undefined;
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return value;
  // The value may contain a password, so the error does not quote it.
  throw new ConfigError('the environment', [`${name.toUpperCase()}: expected an http or https URL`]);
}

/** @param list names (which include their subdomains) and addresses, each with an optional port; networks (CIDR); or `*` */
function createExemptions(list: string): (url: URL) => boolean {
  const entries = list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean);
  if (entries.includes('*')) return () => true;
  const networks = createNetworks(entries.filter(isNetwork), 'NO_PROXY');
  const names = entries
    .filter((entry) => !isNetwork(entry))
    .map((entry) => {
      const [, name = '', port] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
      return { name: name.replace(/^\*?\./, ''), port };
    });
  return ({ hostname, protocol, port }) => {
    const host = hostname.replace(/^\[(.*)\]$/, '$1');
    if (networks.contain(host)) return true;
    const usedPort = port || (protocol === 'https:' ? '443' : '80');
    return names.some(
      (entry) =>
        (host === entry.name || host.endsWith(`.${entry.name}`)) &&
        (entry.port === undefined || entry.port === usedPort),
    );
  };
}

/** Creates a `fetch` that uses proxies. @param trust the CAs that it trusts. Default: those of Node.js */
export function createProxyingFetch(proxyFor: ProxyFor, trust: Trust | undefined): typeof globalThis.fetch {
  const direct = trust?.fetch ?? globalThis.fetch;
  const agents = new Map<string, ProxyAgent>();

  async function agentFor(proxy: string, protocol: string): Promise<ProxyAgent> {
    const { ProxyAgent } = await import('undici');
    const key = `${protocol} ${proxy}`;
    const tls = trust && { secureContext: trust.secureContext };
    const agent =
      agents.get(key) ??
      new ProxyAgent({
        uri: proxy,
        // Many proxies allow tunnels to port 443 only (RFC 9110 section 9.3.6).
        proxyTunnel: protocol === 'https:',
        ...(tls && { requestTls: tls, proxyTls: tls }),
      });
    agents.set(key, agent);
    return agent;
  }

  return async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    const proxy = proxyFor(url);
    if (proxy === undefined || (init !== undefined && 'dispatcher' in init)) return direct(input, init);
    // Loaded only when it is used: calls on this machine use no proxy.
    const { fetch: undiciFetch } = await import('undici');
    const proxyingFetch = undiciFetch as unknown as (url: string, init: object) => Promise<Response>;
    return proxyingFetch(url, { ...init, dispatcher: await agentFor(proxy, new URL(url).protocol) });
  };
}
