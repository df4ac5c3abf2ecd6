import type { IncomingMessage } from 'node:http';
import { ControlError } from './control_error.ts';

/**
 * Keeps out web pages of other origins that a developer's browser happens to show: they give themselves away by `Origin` or
 * `Sec-Fetch-Site`. One that had its name point here (DNS rebinding) was refused before, for its `Host`.
 *
 * @throws {ControlError} 403
 */
export function refuseForeign({ headers, socket }: IncomingMessage): void {
  const { host, origin, 'sec-fetch-site': site = 'none' } = headers;
  if (
    (origin !== undefined && origin !== `${'encrypted' in socket ? 'https' : 'http'}://${host}`) ||
    !['none', 'same-origin'].includes(String(site))
  ) {
    throw new ControlError(403, 'access_denied', 'pages of other origins may not call the control API');
  }
}
