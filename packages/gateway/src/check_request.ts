import type { IncomingMessage } from 'node:http';
import { RequestError } from './errors.ts';

/** Far fewer than the 2,000 after which Node.js drops headers silently, those that frame the body included. */
const maximumHeaders = 1_000;

/** RFC 9112 section 3.2: a host, as DNS has them or an address, and a port. It goes upstream as `X-Forwarded-Host`. */
const host = /^(?:[\w.-]*|\[[\da-f:.]+\])(?::\d*)?$/i;

/**
 * What every request must satisfy, whatever it asks for.
 *
 * @throws {RequestError}
 */
export function checkRequest(request: IncomingMessage): void {
  const { rawHeaders, headers, httpVersion } = request;
  if (rawHeaders.length > 2 * maximumHeaders) {
    throw new RequestError('request_header_fields_too_large', `the request has more than ${maximumHeaders} headers`);
  }
  if (httpVersion !== '1.1' && httpVersion !== '1.0') {
    throw new RequestError('invalid_request', 'the version of HTTP must be 1.1 or 1.0');
  }
  // RFC 9112 section 3.2; an HTTP/1.0 request may have none.
  const hosts = countHosts(rawHeaders);
  if (hosts > 1 || (hosts === 0 && httpVersion !== '1.0')) {
    throw new RequestError('invalid_request', 'the request must have one Host header');
  }
  if (headers.host !== undefined && !host.test(headers.host)) {
    throw new RequestError('invalid_request', 'the Host header is malformed');
  }
  // RFC 9112 section 6.1: whoever was before us may have framed it otherwise.
  if (httpVersion === '1.0' && headers['transfer-encoding'] !== undefined) {
    throw new RequestError('invalid_request', 'an HTTP/1.0 request must not have a transfer coding');
  }
  // RFC 9110 section 9.3.8: the answer repeats the request, and with it the JWT.
  if (request.method === 'TRACE') throw new RequestError('method_not_allowed', 'TRACE is not served');
}

function countHosts(rawHeaders: readonly string[]): number {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  return hosts;
}
