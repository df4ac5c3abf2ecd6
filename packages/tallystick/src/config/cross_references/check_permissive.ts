import type { Refuse } from '@tallystick/common/config';
import { listensOnLoopback } from '../listens_on_loopback.ts';
import type { Config } from '../schema.ts';

export const ONLY_ON_THIS_MACHINE =
  'expected false: a permissive issuer gives everyone any token, and the server does not listen on a loopback address only (`host`); `permissiveOnNetwork: true` allows it';

/** Whether issuers of the process may be permissive. */
export function mayBePermissive({ host, permissiveOnNetwork }: Pick<Config, 'host' | 'permissiveOnNetwork'>): boolean {
  return permissiveOnNetwork || listensOnLoopback({ host });
}

/** Refuses permissive issuers that a network can reach. */
export function checkPermissive(config: Config, refuse: Refuse): void {
  if (mayBePermissive(config)) return;
  if (config.permissive) refuse(['permissive'], ONLY_ON_THIS_MACHINE, true);
  for (const [index, { permissive }] of config.tenants.entries()) {
    if (permissive) refuse(['tenants', index, 'permissive'], ONLY_ON_THIS_MACHINE, true);
  }
}
