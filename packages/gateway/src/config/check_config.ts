import { readPattern, TOKEN } from '@tallystick/common';
import type { UpstreamHealthConfig } from '../routes/upstream_pool.ts';
import type { GatewayConfig, LimitsConfig, RouteConfig } from './config.ts';
import type { IntrospectionClient, IntrospectionConfig, JwtConfig } from './issuer_config.ts';

/**
 * Looks at what no part of the gateway looks at for itself.
 *
 * @throws {TypeError} naming the value that is wrong
 */
export function checkConfig(config: GatewayConfig): void {
  const { issuer, authorizationServer, client, routes, cache, timeouts, publicUrl, clientCertificates } = config;
  const { limits, upstreamHealth } = config;
  if (typeof issuer !== 'string' || issuer === '') throw new TypeError('issuer must be a non-empty string');
  requireUrl('authorizationServer.introspectionEndpoint', authorizationServer.introspectionEndpoint);
  requireUrl('authorizationServer.jwksUri', authorizationServer.jwksUri);
  if (publicUrl !== undefined) {
    requireUrl('publicUrl', publicUrl);
    if (new URL(publicUrl).href !== `${new URL(publicUrl).origin}/`) {
      throw new TypeError('publicUrl must be scheme and authority only');
    }
  }
  for (const host of config.hosts ?? []) {
    if (readPattern(host) !== undefined) continue;
    throw new TypeError(`hosts must be names or addresses without a port, or *. and a name: ${JSON.stringify(host)}`);
  }
  checkClient('client', client);
  checkIntrospection('introspection', config.introspection);
  for (const [index, other] of (config.issuers ?? []).entries()) {
    if (other.client) checkClient(`issuers[${index}].client`, other.client);
    checkIntrospection(`issuers[${index}].introspection`, other.introspection);
    checkJwts(`issuers[${index}].jwts`, other.jwts);
    requireNames(`issuers[${index}].scopeClaims`, other.scopeClaims);
  }
  requireNumber('ownJwts.lifetime', config.ownJwts?.lifetime ?? 1, 1);
  if (clientCertificates !== undefined && !isLowerCaseName(clientCertificates.header)) {
    throw new TypeError('clientCertificates.header must be the name of a header in lower case');
  }
  const names = [issuer, ...(config.issuers ?? []).map((other) => other.issuer)];
  if (new Set(names).size < names.length) throw new TypeError('issuers must differ, and differ from issuer');
  if (routes.length === 0) throw new TypeError('routes must not be empty');
  requireNumber('cache.maxEntries', cache.maxEntries, 1);
  requireNumber('cache.maxBytes', cache.maxBytes ?? 1, 1);
  requireNumber('cache.maxAge', cache.maxAge, 0);
  requireNumber('cache.negative.maxEntries', cache.negative.maxEntries, 1);
  requireNumber('cache.negative.maxBytes', cache.negative.maxBytes ?? 1, 1);
  requireNumber('cache.negative.maxAge', cache.negative.maxAge, 0);
  requireNumber('timeouts.authorizationServer', timeouts.authorizationServer, 1);
  requireNumber('timeouts.upstream', timeouts.upstream, 1);
  checkLimits('limits', limits);
  if (upstreamHealth) checkUpstreamHealth('upstreamHealth', upstreamHealth);
  for (const route of routes) checkRoute(route);
  checkCloseCode(config.webSockets?.tokenCloseCode);
  requireNumber('timeouts.client', timeouts.client ?? 1, 1);
  requireNumber('timeouts.upstreamConnection', timeouts.upstreamConnection ?? 1, 1);
  requireNumber('timeouts.drain', timeouts.drain ?? 0, 0);
}

function checkClient(name: string, client: IntrospectionClient): void {
  if (typeof client.id !== 'string' || client.id === '') throw new TypeError(`${name} must have an id`);
  if (!('secret' in client || 'privateKey' in client || ('certificate' in client && 'key' in client))) {
    throw new TypeError(`${name} must have a secret, a privateKey, or a certificate and its key`);
  }
}

function checkIntrospection(name: string, introspection: IntrospectionConfig = {}): void {
  const { maxAge = 0, maxConcurrent = 1, maxWaiting = 0, circuitBreaker } = introspection;
  requireNumber(`${name}.maxAge`, maxAge, 0);
  requireNumber(`${name}.maxConcurrent`, maxConcurrent, 1);
  requireNumber(`${name}.maxWaiting`, maxWaiting, 0);
  requireNumber(`${name}.circuitBreaker.failures`, circuitBreaker?.failures ?? 0, 0);
  requireNumber(`${name}.circuitBreaker.pause`, circuitBreaker?.pause ?? 1, 1);
}

function checkJwts(name: string, { algorithms, insecureTypes = [] }: JwtConfig = {}): void {
  requireNames(`${name}.algorithms`, algorithms);
  // RFC 8725 section 3.1: with a secret that is public, or without any key, everybody can sign.
  if (algorithms?.some((algorithm) => /^(?:none|hs\d*)$/i.test(algorithm))) {
    throw new TypeError(`${name}.algorithms must be asymmetric`);
  }
  if (!insecureTypes.every((type) => type === 'JWT' || type === 'absent')) {
    throw new TypeError(`${name}.insecureTypes must be "JWT" and "absent", or one of them`);
  }
}

function requireNames(name: string, names: readonly string[] | undefined): void {
  if (names === undefined || (names.length > 0 && names.every((given) => typeof given === 'string' && given !== '')))
    return;
  throw new TypeError(`${name} must be a list of names that is not empty`);
}

function checkRoute({ prefix, timeouts, limits, upstreamHealth }: RouteConfig): void {
  if (timeouts?.upstream !== undefined) requireNumber(`route ${prefix}: timeouts.upstream`, timeouts.upstream, 1);
  checkLimits(`route ${prefix}: limits`, limits);
  if (upstreamHealth) checkUpstreamHealth(`route ${prefix}: upstreamHealth`, upstreamHealth);
}

/** RFC 6455 section 7.4.1: the others mean something else, or must not be sent. */
function checkCloseCode(code = 1008): void {
  if (code !== 1008 && !(Number.isInteger(code) && code >= 3000 && code <= 4999))
    throw new TypeError('webSockets.tokenCloseCode must be 1008, or from 3000 to 4999');
}

function checkLimits(name: string, { maxBodyBytes = 0, maxResponseHeaderBytes = 1024 }: LimitsConfig = {}): void {
  requireNumber(`${name}.maxBodyBytes`, maxBodyBytes, 0);
  requireNumber(`${name}.maxResponseHeaderBytes`, maxResponseHeaderBytes, 1024);
}

function checkUpstreamHealth(name: string, { maxFailures = 1, coolDown = 1, maxCoolDown = 1 }: UpstreamHealthConfig) {
  requireNumber(`${name}.maxFailures`, maxFailures, 1);
  requireNumber(`${name}.coolDown`, coolDown, 1);
  requireNumber(`${name}.maxCoolDown`, maxCoolDown, 1);
}

function requireUrl(name: string, value: string): void {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    throw new TypeError(`${name} must be an http or https URL without credentials`);
  }
}

function requireNumber(name: string, value: number, minimum: number): void {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < minimum) {
    throw new TypeError(`${name} must be a number of at least ${minimum}`);
  }
}

function isLowerCaseName(header: string): boolean {
  return TOKEN.test(header) && header === header.toLowerCase();
}
