import { createNetworks, isLoopbackName, isNetwork } from '@tallystick/common';
import { ProxyAgent, fetch as undiciFetch } from 'undici';
import { ConfigError } from '../config/config_error.ts';
import type { Trust } from './tls/trust.ts';

/** @returns the proxy through which a URL is fetched; undefined for none */
export type ProxyFor = (url: string) => string | undefined;

/**
 * The proxies of the environment, as curl and Go know them: `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, or in lower case, which goes
 * first. What is on this machine is never fetched through one.
 *
 * @returns undefined where there are none
 * @throws {ConfigError} for what is no http or https URL
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
  // It may hold a password, and is not quoted.
  throw new ConfigError('the environment', [`${name.toUpperCase()}: expected an http or https URL`]);
}

/** @param list names, which stand for those below them too, addresses, networks (CIDR), each with a port or without; or `*` */
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
    const used = port || (protocol === 'https:' ? '443' : '80');
    return names.some(
      ({ name, port: only }) => (host === name || host.endsWith(`.${name}`)) && (only === undefined || only === used),
    );
  };
}

/** A `fetch` that goes through the proxies of the environment. @param trust whom the calls trust. Default: the usual CAs */
export function createProxyingFetch(proxyFor: ProxyFor, trust: Trust | undefined): typeof globalThis.fetch {
  const direct = trust?.fetch ?? globalThis.fetch;
  const fetchThrough = undiciFetch as unknown as (url: string, init: object) => Promise<Response>;
  const agents = new Map<string, ProxyAgent>();

  function agentFor(proxy: string, protocol: string): ProxyAgent {
    const name = `${protocol} ${proxy}`;
    const tls = trust && { secureContext: trust.secureContext };
    const known =
      agents.get(name) ??
      new ProxyAgent({
        uri: proxy,
        // Many proxies make tunnels to port 443 only (RFC 9110 section 9.3.6).
        proxyTunnel: protocol === 'https:',
        ...(tls && { requestTls: tls, proxyTls: tls }),
      });
    agents.set(name, known);
    return known;
  }

  return async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    const proxy = proxyFor(url);
    if (proxy === undefined || (init !== undefined && 'dispatcher' in init)) return direct(input, init);
    return fetchThrough(url, { ...init, dispatcher: agentFor(proxy, new URL(url).protocol) });
  };
}
