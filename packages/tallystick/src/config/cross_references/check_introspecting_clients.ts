import type { Refuse } from '@tallystick/common/config';
import { accessTokensOf, introspects } from '@tallystick/gateway/config';
import type { Config } from '../schema.ts';
import { leadsToSampleApi } from './sample_api_routes.ts';

type Role = 'gateway' | 'sampleApi';
type Client = Config[Role]['client'];

/** Gateway and sample API introspect as clients, which must exist and be allowed to. */
export function checkIntrospectingClients(config: Config, refuse: Refuse): void {
  for (const role of ['gateway', 'sampleApi'] as const) {
    const client: Client | undefined = config[role].client;
    if (client === undefined) continue; // The section of a role that runs in another process.
    const { id, secret } = client;
    const known = config.clients.find((candidate) => candidate.id === id);
    if (!known?.introspects) {
      refuse([role, 'client', 'id'], 'expected the id of a client with `introspects`', id);
      continue;
    }
    if (secret !== undefined && known.secret !== secret)
      refuse([role, 'client', 'secret'], `expected the secret of the client "${id}"`, secret);
    const { introspects } = known;
    if (typeof introspects === 'boolean') continue;
    const missing = introspectedApis(config, role).find((api) => !introspects.includes(api));
    const path = ['clients', config.clients.indexOf(known), 'introspects'];
    if (missing !== undefined)
      refuse(path, `expected ${missing} as well: the ${NAME[role]} introspects its tokens`, introspects);
  }
}

const NAME = { gateway: 'gateway', sampleApi: 'sample API' };

/** The APIs whose tokens a role introspects at our own authorization server. */
function introspectedApis(config: Config, role: Role): string[] {
  const { issuer: own, apis, gateway } = config;
  const routes = gateway.routes.filter(({ issuer = own }) => issuer === own);
  const introspected = role === 'gateway' ? routes.filter((route) => introspects(route, apis)) : atSampleApi(config);
  return introspected.flatMap(({ api }) => api ?? []);
}

/** The routes whose tokens the sample API introspects. */
function atSampleApi(config: Config): Config['gateway']['routes'] {
  const { apis, gateway } = config;
  return gateway.routes.filter((route) => leadsToSampleApi(route, config) && accessTokensOf(route, apis) === 'opaque');
}

/** The sample API alone does not know the secret from which its client is derived. */
export function checkSampleApiClient(config: Config, refuse: Refuse): void {
  const [route] = config.sampleApi.client === undefined ? atSampleApi(config) : [];
  if (route === undefined) return;
  const expected = `expected the client with which the sample API introspects tokens for ${route.api}`;
  refuse(['sampleApi', 'client'], expected, undefined);
}
