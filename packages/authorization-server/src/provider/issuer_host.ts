import { isLoopbackName, readHost } from '@tallystick/common';
import type { Middleware } from 'koa';
import { mountPathOf } from './mount.ts';

/** Where a browser enters: the authorization endpoint, logout, and the pages for other devices. Each may set a cookie. */
const ENTRIES = new Set(['/auth', '/session/end', '/device', '/ciba']);

/**
 * Sends a browser that came under another name of this machine to the issuer's host: the cookies of `127.0.0.1` are not those of
 * `localhost`, where the pages of the sign-in are.
 *
 * Only between loopback names with the issuer's port. A proxy on another port may change `Host`, and the browser is right already.
 */
export function moveToIssuerHost(issuer: string): Middleware {
  const { origin, hostname, port, protocol } = new URL(issuer);
  const mountPath = mountPathOf(issuer);
  const issuerPort = portOf(port, protocol);
  const isMoved = (header: string) => {
    const host = readHost(header);
    if (host === undefined || host.name === hostname || !isLoopbackName(host.name)) return false;
    return (host.port ?? portOf('', protocol)) === issuerPort;
  };
  return (ctx, next) => {
    if (!isLoopbackName(hostname) || !ENTRIES.has(ctx.path) || !isMoved(ctx.get('Host'))) return next();
    // 307 keeps the method and the form of `POST /auth` (OpenID Connect Core section 3.1.2.1).
    ctx.status = 307;
    ctx.set({ Location: origin + mountPath + ctx.url, 'Cache-Control': 'no-store' });
    ctx.body = '';
    return Promise.resolve();
  };
}

function portOf(port: string, protocol: string): number {
  return port === '' ? ({ 'http:': 80, 'https:': 443 }[protocol] ?? 0) : Number(port);
}
