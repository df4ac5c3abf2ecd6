import type { IncomingMessage } from 'node:http';
import { RequestError } from './errors.ts';

export interface PageOptions {
  /** Origins of pages that may use cookies here, beside the gateway's own. */
  readonly origins: ReadonlySet<string>;
  /** Lower case. */
  readonly csrfHeader: string;
}

/**
 * A browser sends cookies with a request whoever made it do so. Only a page of the gateway's own origin, or of one that is
 * configured, may: what `Origin` and Fetch Metadata (`Sec-Fetch-Site`) say is looked at, and the request must have a header
 * that no link, form or image can send, and that a page of another origin is not allowed to.
 *
 * @param ownOrigin under which the client reached the gateway
 * @throws {RequestError} `forbidden`
 */
export function checkPage(request: IncomingMessage, ownOrigin: string | undefined, options: PageOptions): void {
  const { origin, 'sec-fetch-site': site, upgrade } = request.headers;
  const isKnown = origin !== undefined && (origin === ownOrigin || options.origins.has(origin));
  if (origin !== undefined && !isKnown) {
    throw new RequestError('forbidden', 'pages of this origin may not use the cookies of this gateway');
  }
  if (!isKnown && site !== undefined && site !== 'same-origin') {
    throw new RequestError('forbidden', 'pages of another site may not use the cookies of this gateway');
  }
  // A WebSocket can be opened by any page and with no header of its own; but browsers always say from where.
  if (upgrade !== undefined ? !isKnown : request.headers[options.csrfHeader] === undefined) {
    throw new RequestError(
      'forbidden',
      `a request with cookies needs the header ${upgrade ? 'Origin' : options.csrfHeader}`,
    );
  }
}
