import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { RequestError } from '../errors.ts';
import { foldName } from '../forward/request_headers.ts';
import { lastOf } from '../public_origin.ts';
import type { DecisionEndpointConfig } from './config.ts';

/**
 * The request that another gateway asks about, as if it had come here: its method, target and host, with the headers and the
 * connection of the one that asks.
 *
 * @throws {RequestError} `invalid_request` when the gateway does not say which request it is, or the client says that it is another
 */
export function originalRequest(request: IncomingMessage, endpoint: DecisionEndpointConfig): IncomingMessage {
  const { headers } = request;
  refuseSecondOpinions(headers, endpoint);
  return Object.create(request, {
    ...properties(methodAndTarget(request, endpoint)),
    headers: { value: { ...headers, ...hosts(headers, endpoint) } },
  });
}

function methodAndTarget({ headers, method, url = '' }: IncomingMessage, { for: kind, path }: DecisionEndpointConfig) {
  switch (kind) {
    case 'nginx':
      return told(headers['x-original-method'], headers['x-original-uri']);
    case 'traefik':
      return told(headers['x-forwarded-method'], headers['x-forwarded-uri']);
    case 'envoy':
      return { method, url: url.slice(path.length) };
  }
}

/**
 * What some APIs take for the method or the target in place of the real ones, with the kind of gateway that sets it itself for
 * the question. The gateway drops it; a gateway that asks would pass it on.
 */
const secondOpinions = new Map<string, DecisionEndpointConfig['for'] | undefined>([
  ['x-envoy-original-path', 'envoy'],
  ['x-http-method', undefined],
  ['x-http-method-override', undefined],
  ['x-method-override', undefined],
  ['x-original-url', 'nginx'],
  ['x-originating-url', undefined],
  ['x-rewrite-url', undefined],
]);

function refuseSecondOpinions(headers: IncomingHttpHeaders, { for: kind }: DecisionEndpointConfig): void {
  for (const name in headers) {
    if (secondOpinions.has(foldName(name)) && secondOpinions.get(name) !== kind) {
      throw new RequestError('invalid_request', 'the request says twice what is to be decided');
    }
  }
}

/** Envoy sends the host itself, and passes on whatever a client says in `X-Forwarded-Host`. */
function hosts({ host, 'x-forwarded-host': forwarded }: IncomingHttpHeaders, { for: kind }: DecisionEndpointConfig) {
  if (kind === 'envoy') return { 'x-forwarded-host': undefined };
  const told = lastOf(forwarded) ?? host;
  return told === undefined ? {} : { host: told };
}

/** Node.js joins several headers of one name with a comma and a space, which neither of the two may have. */
function told(method: unknown, url: unknown): { method: string; url: string } {
  if (typeof method !== 'string' || !/^[A-Z]+$/.test(method) || typeof url !== 'string') {
    throw new RequestError('invalid_request', 'the request does not say which request is to be decided');
  }
  return { method, url };
}

function properties(values: Record<string, unknown>): PropertyDescriptorMap {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }]));
}
