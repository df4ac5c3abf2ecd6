import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { AllowsHost } from './allowed_hosts.ts';
import { readHost } from './host.ts';
import { toOriginForm } from './request_target.ts';

/** Why a request is refused, whatever it asks for. */
export interface RequestFault {
  readonly code: keyof typeof statuses;
  readonly status: number;
  readonly description: string;
}

const statuses = {
  invalid_request: 400,
  method_not_allowed: 405,
  request_timeout: 408,
  misdirected_request: 421,
  request_header_fields_too_large: 431,
  not_implemented: 501,
  http_version_not_supported: 505,
} as const;

/** Far fewer than the 2,000 after which Node.js drops headers silently, those that frame the body included. */
const maximumHeaders = 1_000;

/**
 * Checks what every request to a server of ours must satisfy, and puts a target in absolute form into origin form. What the
 * target looks like then is looked at by {@link findTargetFault}.
 *
 * @param request its `url` is changed
 * @param allowsHost default: any host
 * @returns undefined for a request that may go on
 */
export function checkRequest(request: IncomingMessage, allowsHost?: AllowsHost): RequestFault | undefined {
  const found = findFault(request);
  if (found !== undefined) return found;
  const { url = '', method, headers, socket } = request;
  if (allowsHost !== undefined && headers.host !== undefined) {
    const name = readHost(headers.host)?.name ?? '';
    // RFC 9110 section 7.4. It says what is wrong: 403 would send people looking for rights.
    if (!allowsHost(name, request)) {
      return fault('misdirected_request', "the Host is none of the server's own names, nor one of its allowedHosts");
    }
  }
  const scheme = (socket as TLSSocket).encrypted ? 'https' : 'http';
  const target = toOriginForm(url, { method, host: headers.host, scheme });
  if (target === undefined) return fault('invalid_request', 'the request target is for another server than Host');
  if (target !== url) request.url = target;
  return undefined;
}

/** {@link checkRequest} without the target: for a request that another server tells of. */
export function findFault({ rawHeaders, headers, httpVersion, method }: IncomingMessage): RequestFault | undefined {
  if (rawHeaders.length > 2 * maximumHeaders) {
    return fault('request_header_fields_too_large', `the request has more than ${maximumHeaders} headers`);
  }
  if (httpVersion !== '1.1' && httpVersion !== '1.0') {
    return fault('invalid_request', 'the version of HTTP must be 1.1 or 1.0');
  }
  // RFC 9112 section 3.2; an HTTP/1.0 request may have none.
  const hosts = countHosts(rawHeaders);
  if (hosts > 1 || (hosts === 0 && httpVersion !== '1.0')) {
    return fault('invalid_request', 'the request must have one Host header');
  }
  if (headers.host !== undefined && readHost(headers.host) === undefined) {
    return fault('invalid_request', 'the Host header is malformed');
  }
  // RFC 9110 section 9.3.8: the answer repeats the request, and with it the JWT.
  if (method === 'TRACE') return fault('method_not_allowed', 'TRACE is not served');
  return headers['transfer-encoding'] === undefined ? undefined : findCodingFault(headers, httpVersion);
}

/** RFC 9112 section 6.1: a server before us may have framed the body otherwise. */
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

/** What is wrong with a request, with the status that says so. */
export function fault(code: RequestFault['code'], description: string): RequestFault {
  return { code, status: statuses[code], description };
}

function countHosts(rawHeaders: readonly string[]): number {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  return hosts;
}
