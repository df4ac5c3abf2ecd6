import type { Agent } from 'node:http';
import { isIP } from 'node:net';
import type { SecureContext } from 'node:tls';
import httpProxy from 'http-proxy';
import type { Upstream } from '../routes/upstream.ts';

/** One step of http-proxy on the way to the upstream. */
type Pass = (...args: unknown[]) => unknown;

/**
 * http-proxy without the pass that takes the framing from a DELETE or OPTIONS request (`deleteLength`): the body of a chunked
 * one would be read by the upstream as the next request.
 */
export function createHardenedProxy(): httpProxy {
  // With these options it makes nothing of the path, which it is given ready made: see `requestOptions`.
  const pathless = { toProxy: true, ignorePath: true, prependPath: false };
  const proxy = httpProxy.createProxyServer(pathless) as httpProxy & { webPasses: Pass[] };
  const passes = proxy.webPasses.filter(({ name }) => name !== 'deleteLength');
  if (passes.length !== proxy.webPasses.length - 1) throw new Error('http-proxy is not the version that was hardened');
  proxy.webPasses = passes;
  return proxy;
}

export interface ProxyTarget {
  readonly upstream: Upstream;
  /** The request target, to be sent byte for byte. */
  readonly target: string;
  /** A connection of its own for the request, if not given. */
  readonly agent?: Agent | undefined;
  /** Whom to trust, of an upstream on https. Default: the usual CAs. */
  readonly secureContext?: SecureContext | undefined;
  /** The name in its certificate. Default: its own. */
  readonly servername?: string | undefined;
  /** Of all headers of the response together. */
  readonly maxHeaderSize: number;
}

/** The options that make http-proxy send one request to one upstream. */
export function proxyOptions({ upstream, agent, ...request }: ProxyTarget): httpProxy.ServerOptions {
  const servername = upstream.protocol === 'https:' ? (request.servername ?? nameOf(upstream)) : undefined;
  return { target: upstream, agent, ssl: requestOptions(request, servername) };
}

/** Node.js would take it from `Host`, which may be the client's. An address has no SNI (RFC 6066 section 3). */
function nameOf({ hostname }: Upstream): string {
  return isIP(hostname) === 0 ? hostname : '';
}

/**
 * The object that http-proxy fills in and gives to `http.request`; `ssl` is its name for it. Its `path` cannot be changed:
 * http-proxy would make `/a//b` into `/a/b`, and `/a/http:/b` into `/a/http://b`.
 */
function requestOptions(
  { target, secureContext, maxHeaderSize }: Omit<ProxyTarget, 'upstream' | 'agent'>,
  servername: string | undefined,
): object {
  const request = { requestTarget: target, secureContext, servername, maxHeaderSize };
  return Object.defineProperty(request, 'path', unchangeablePath);
}

/** One descriptor for all: with a getter of its own, every such object would be of a kind of its own to V8, and slow. */
const unchangeablePath = {
  enumerable: true,
  get(this: { requestTarget: string }) {
    return this.requestTarget;
  },
  set() {},
};
