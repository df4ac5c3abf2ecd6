import { authorizationServerConfig } from '@tallystick/authorization-server/config';
import type { z } from 'zod';

const settings = authorizationServerConfig.pick({ permissiveAccessTokens: true, permissiveUser: true });
const byDefault = settings.parse({});

type Settings = z.output<typeof settings>;

/** The settings of permissive issuers that an issuer has although it is not permissive. They have no effect. */
export function findIneffectivePermissive(issuer: { readonly permissive: boolean } & Settings): (keyof Settings)[] {
  if (issuer.permissive) return [];
  return settings.keyof().options.filter((name) => issuer[name] !== byDefault[name]);
}
