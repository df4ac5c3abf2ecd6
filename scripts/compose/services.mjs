export const discoveryPath = '/.well-known/openid-configuration';

/**
 * A set of services of docker-compose.yml that run together.
 * @typedef {object} World
 * @property {string} title
 * @property {string} issuer
 * @property {string[]} gateways
 * @property {{ name: string, healthy?: string }[]} services `healthy` is a URL from the host, for services with a published port
 * @property {string} backChannel URL of the authorization server inside the network
 * @property {string} inside a service in whose container a program can run
 * @property {string} [image] an image that this world needs besides those of the first one
 */

const first = { issuer: 'http://localhost:4000', gateways: ['http://localhost:4100', 'http://localhost:4101'] };
const cluster = { issuer: 'http://localhost:8000', gateways: ['http://localhost:8100'] };

/** @type {World[]} */
export const worlds = [
  {
    ...first,
    title: 'an authorization server and two gateways',
    services: [
      { name: 'redis' },
      { name: 'authorization-server', healthy: `${first.issuer}${discoveryPath}` },
      { name: 'gateway-1', healthy: `${first.gateways[0]}/healthz` },
      { name: 'gateway-2', healthy: `${first.gateways[1]}/healthz` },
      { name: 'sample-api', healthy: 'http://localhost:4200/healthz' },
    ],
    backChannel: 'http://authorization-server:4000',
    inside: 'gateway-1',
  },
  {
    ...cluster,
    title: 'the profile cluster: two of each behind NGINX, and Redis users with few rights',
    services: [
      { name: 'cluster-redis' },
      { name: 'cluster-authorization-server-1' },
      { name: 'cluster-authorization-server-2' },
      { name: 'cluster-gateway-1' },
      { name: 'cluster-gateway-2' },
      { name: 'cluster-sample-api' },
      { name: 'cluster-nginx', healthy: `${cluster.issuer}${discoveryPath}` },
    ],
    backChannel: 'http://cluster-nginx:8000',
    inside: 'cluster-gateway-1',
    image: 'docker.io/library/nginx:1-bookworm',
  },
];
