import type { IncomingMessage } from 'node:http';
import { RequestError } from './errors.ts';

export interface CsrfOptions {
  /** Origins of pages that may use the cookies, besides the gateway's own. */
  readonly origins: ReadonlySet<string>;
  /** The name of the required header, in lower case. */
  readonly csrfHeader: string;
}

/**
 * Protects a request with cookies against cross-site request forgery, because a browser sends cookies whichever page causes the request.
 * `Origin` and `Sec-Fetch-Site` (Fetch Metadata) must name the gateway's own origin or a configured one. The request must also have a
 * header that no link, form or image can send, and that a page of another origin must not send.
 *
 * @param ownOrigin the origin under which the client reached the gateway
 * @throws {RequestError} `forbidden`
 */
export function checkCsrf(request: IncomingMessage, ownOrigin: string | undefined, options: CsrfOptions): void {
  const { origin, 'sec-fetch-site': site, upgrade } = request.headers;
  const isKnown = origin !== undefined && (origin === ownOrigin || options.origins.has(origin));
  if (origin !== undefined && !isKnown) {
    throw new RequestError('forbidden', 'pages of this origin may not use the cookies of this gateway');
  }
  if (!isKnown && site !== undefined && site !== 'same-origin') {
    throw new RequestError('forbidden', 'pages of another site may not use the cookies of this gateway');
  }
  // Any page can open a WebSocket, and cannot set a header; but browsers always send its Origin.
  if (upgrade !== undefined ? !isKnown : request.headers[options.csrfHeader] === undefined) {
    throw new RequestError(
      'forbidden',
      `a request with cookies needs the header ${upgrade ? 'Origin' : options.csrfHeader}`,
    );
  }
}
