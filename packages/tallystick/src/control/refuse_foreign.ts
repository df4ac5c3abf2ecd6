import type { IncomingMessage } from 'node:http';
import { ControlError } from './control_error.ts';

/**
 * Keeps out web pages that a developer's browser happens to show: one that had its name point here (DNS rebinding) gives
 * itself away by `Host`, any other by `Origin` or `Sec-Fetch-Site`.
 *
 * @param allowedHosts names beside those of this machine
 * @throws {ControlError} 403
 */
export function refuseForeign({ headers, socket }: IncomingMessage, allowedHosts: readonly string[]): void {
  const host = headers.host ?? '';
  const name = URL.parse(`http://${host}`)?.hostname ?? '';
  if (!isLoopback(name) && !allowedHosts.includes(name)) {
    throw new ControlError(403, 'access_denied', 'the Host is not one of this machine, nor of controlApi.allowedHosts');
  }
  const { origin, 'sec-fetch-site': site = 'none' } = headers;
  if (
    (origin !== undefined && origin !== `${'encrypted' in socket ? 'https' : 'http'}://${host}`) ||
    !['none', 'same-origin'].includes(String(site))
  ) {
    throw new ControlError(403, 'access_denied', 'pages of other origins may not call the control API');
  }
}

function isLoopback(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost') || name === '[::1]' || /^127(\.\d+){3}$/.test(name);
}
