import type { Refuse } from '@tallystick/common/config';
import { isAbsent } from '../absent.ts';
import type { Config } from '../schema.ts';
import { leadsToSampleApi } from './sample_api_routes.ts';

type Role = 'gateway' | 'sampleApi';

/** The gateway and the sample API introspect with clients of their own, which must be there and be allowed to. */
export function checkIntrospectingClients(config: Config, refuse: Refuse): void {
  for (const role of ['gateway', 'sampleApi'] as const) {
    // A role alone does without the section of the other, and without the clients, which its authorization server knows.
    if ([config.clients, config[role], config[role].client].some(isAbsent)) continue;
    const { id, secret } = config[role].client;
    const known = config.clients.find((candidate) => candidate.id === id);
    if (!known?.introspects) {
      refuse([role, 'client', 'id'], 'expected one of the clients that introspect', id);
      continue;
    }
    if (secret !== undefined && known.secret !== secret)
      refuse([role, 'client', 'secret'], `expected the secret of the client "${id}"`, secret);
    const { introspects } = known;
    if (typeof introspects === 'boolean') continue;
    const missing = apisAskedAbout(config, role).find((api) => !introspects.includes(api));
    const path = ['clients', config.clients.indexOf(known), 'introspects'];
    if (missing !== undefined)
      refuse(path, `expected ${missing} too: the ${NAME[role]} asks about its tokens`, introspects);
  }
}

const NAME = { gateway: 'gateway', sampleApi: 'sample API' };

/** Of which APIs a role asks about tokens at our own authorization server. */
function apisAskedAbout({ issuer: ours, apis, gateway: { routes } }: Config, role: Role): string[] {
  const styleOf = (api: string) => apis.find(({ resource }) => resource === api)?.accessTokens;
  return routes
    .filter(({ issuer = ours }) => issuer === ours)
    .filter((route) => role === 'gateway' || leadsToSampleApi(route))
    .filter(({ api = '', onMiss }) => {
      if (role === 'sampleApi') return styleOf(api) === 'opaque';
      return styleOf(api) === 'phantom' || onMiss === 'introspect';
    })
    .flatMap(({ api }) => api ?? []);
}
