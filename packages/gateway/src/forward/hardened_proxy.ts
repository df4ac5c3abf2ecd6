import type { Agent } from 'node:http';
import { isIP } from 'node:net';
import type { SecureContext } from 'node:tls';
import httpProxy from 'http-proxy';
import type { Upstream } from '../routes/upstream_pool.ts';

/** One of http-proxy's steps before it sends a request. */
type Pass = (...args: unknown[]) => unknown;

/**
 * Creates an http-proxy without the pass `deleteLength`, which removes the framing of DELETE and OPTIONS requests: the upstream
 * would read a chunked body as the next request.
 */
export function createHardenedProxy(): httpProxy {
  // With these options http-proxy does not compute a path; `requestOptions` provides it.
  const pathless = { toProxy: true, ignorePath: true, prependPath: false };
  const proxy = httpProxy.createProxyServer(pathless) as httpProxy & { webPasses: Pass[] };
  const passes = proxy.webPasses.filter(({ name }) => name !== 'deleteLength');
  if (passes.length !== proxy.webPasses.length - 1)
    throw new Error('unexpected version of http-proxy: it has no pass named deleteLength');
  proxy.webPasses = passes;
  return proxy;
}

export interface ProxyTarget {
  readonly upstream: Upstream;
  /** The request target, sent byte for byte. */
  readonly target: string;
  /** Default: a new connection for this request. */
  readonly agent?: Agent | undefined;
  /** The trusted CAs for an upstream on https. Default: the CAs of Node.js. */
  readonly secureContext?: SecureContext | undefined;
  /** The name that the upstream's certificate must have. Default: the upstream's host name. */
  readonly servername?: string | undefined;
  /** The limit for all headers of the response together, in bytes. */
  readonly maxHeaderSize: number;
}

/** The options that make http-proxy send one request to one upstream. */
export function proxyOptions({ upstream, agent, ...request }: ProxyTarget): httpProxy.ServerOptions {
  const servername = upstream.protocol === 'https:' ? (request.servername ?? serverNameOf(upstream)) : undefined;
  return { target: upstream, agent, ssl: requestOptions(request, servername) };
}

/** Node.js would use `Host`, which may come from the client. An IP address has no SNI (RFC 6066 section 3). */
function serverNameOf({ hostname }: Upstream): string {
  return isIP(hostname) === 0 ? hostname : '';
}

/**
 * The options that http-proxy completes and passes to `http.request`; it calls them `ssl`. Their `path` cannot be changed:
 * http-proxy would turn `/a//b` into `/a/b`, and `/a/http:/b` into `/a/http://b`.
 */
function requestOptions(
  { target, secureContext, maxHeaderSize }: Omit<ProxyTarget, 'upstream' | 'agent'>,
  servername: string | undefined,
): object {
  const request = { requestTarget: target, secureContext, servername, maxHeaderSize };
  return Object.defineProperty(request, 'path', unchangeablePath);
}

/** One descriptor for all requests: with a getter per object, V8 would give each object its own hidden class, which is slow. */
const unchangeablePath = {
  enumerable: true,
  get(this: { requestTarget: string }) {
    return this.requestTarget;
  },
  set() {},
};
