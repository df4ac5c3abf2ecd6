import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { readHost } from './host.ts';
import type { AllowsHost } from './own_names.ts';
import { toOriginForm } from './request_target.ts';

/** Reason to refuse a request before it is routed. */
export interface RequestFault {
  readonly code: keyof typeof STATUSES;
  readonly status: number;
  readonly description: string;
}

const STATUSES = {
  invalid_request: 400,
  method_not_allowed: 405,
  request_timeout: 408,
  misdirected_request: 421,
  request_header_fields_too_large: 431,
  not_implemented: 501,
  http_version_not_supported: 505,
} as const;

/** Node.js silently drops headers after the 2,000th, even those that frame the body. */
const MAX_HEADERS = 1_000;

/**
 * Checks the rules that every request to our servers must follow, and turns a target in absolute form into origin form.
 * {@link findTargetFault} checks the resulting target.
 *
 * @param request its `url` may be changed
 * @param allowsHost default: any host
 * @returns undefined if the request is valid
 */
export function checkRequest(request: IncomingMessage, allowsHost?: AllowsHost): RequestFault | undefined {
  const found = findFault(request);
  if (found !== undefined) return found;
  const { url = '', method, headers, socket } = request;
  if (allowsHost !== undefined && headers.host !== undefined) {
    const name = readHost(headers.host)?.name ?? '';
    // RFC 9110 section 7.4. A 403 would suggest missing rights.
    if (!allowsHost(name, request)) {
      return fault('misdirected_request', 'the Host is neither a name of this server nor in its allowedHosts');
    }
  }
  const scheme = (socket as TLSSocket).encrypted ? 'https' : 'http';
  const target = toOriginForm(url, { method, host: headers.host, scheme });
  if (target === undefined) return fault('invalid_request', 'the request target is for another server than Host');
  if (target !== url) request.url = target;
  return undefined;
}

/** Like {@link checkRequest}, without the target: for a request that another server describes. */
export function findFault({ rawHeaders, headers, httpVersion, method }: IncomingMessage): RequestFault | undefined {
  if (rawHeaders.length > 2 * MAX_HEADERS) {
    return fault('request_header_fields_too_large', `the request has more than ${MAX_HEADERS} headers`);
  }
  if (httpVersion !== '1.1' && httpVersion !== '1.0') {
    return fault('invalid_request', 'the version of HTTP must be 1.1 or 1.0');
  }
  // RFC 9112 section 3.2. An HTTP/1.0 request needs no Host.
  const hosts = countHosts(rawHeaders);
  if (hosts > 1 || (hosts === 0 && httpVersion !== '1.0')) {
    return fault('invalid_request', 'the request must have one Host header');
  }
  if (headers.host !== undefined && readHost(headers.host) === undefined) {
    return fault('invalid_request', 'the Host header is malformed');
  }
  // RFC 9110 section 9.3.8: the response would repeat the request, including the JWT.
  if (method === 'TRACE') return fault('method_not_allowed', 'TRACE is not served');
  return headers['transfer-encoding'] === undefined ? undefined : findCodingFault(headers, httpVersion);
}

/** RFC 9112 section 6.1: a server in front of us may have framed the body differently. */
function findCodingFault(headers: IncomingMessage['headers'], httpVersion: string): RequestFault | undefined {
  if (httpVersion === '1.0') return fault('invalid_request', 'an HTTP/1.0 request must not have a transfer coding');
  if (headers['content-length'] !== undefined) {
    return fault('invalid_request', 'the request has both Content-Length and Transfer-Encoding');
  }
  if (headers['transfer-encoding']?.toLowerCase() !== 'chunked') {
    return fault('not_implemented', 'the only transfer coding that is supported is chunked');
  }
  return undefined;
}

/** Makes a fault with the status of its code. */
export function fault(code: RequestFault['code'], description: string): RequestFault {
  return { code, status: STATUSES[code], description };
}

function countHosts(rawHeaders: readonly string[]): number {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  return hosts;
}
