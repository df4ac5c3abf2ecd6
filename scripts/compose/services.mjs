export const issuer = 'http://localhost:4000';
export const gateways = ['http://localhost:4100', 'http://localhost:4101'];
export const discoveryPath = '/.well-known/openid-configuration';

/**
 * The services of docker-compose.yml. `healthy` is a URL from the host; Redis is not published.
 * @type {{ name: string, healthy?: string }[]}
 */
export const services = [
  { name: 'redis' },
  { name: 'authorization-server', healthy: `${issuer}${discoveryPath}` },
  { name: 'gateway-1', healthy: `${gateways[0]}/healthz` },
  { name: 'gateway-2', healthy: `${gateways[1]}/healthz` },
  { name: 'sample-api', healthy: 'http://localhost:4200/healthz' },
];
