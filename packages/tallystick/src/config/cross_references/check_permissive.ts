import { isLoopbackName } from '@tallystick/common';
import type { Refuse } from '@tallystick/common/config';
import type { Config } from '../schema.ts';

export const ONLY_ON_THIS_MACHINE =
  'expected false: a permissive issuer gives everyone any token, and the server does not listen on a loopback address only (`host`); `permissiveOnNetwork: true` allows it';

/** Whether issuers of the process may be permissive. Names are not resolved: only those of RFC 6761 section 6.3 are loopback. */
export function mayBePermissive({ host, permissiveOnNetwork }: Pick<Config, 'host' | 'permissiveOnNetwork'>): boolean {
  return permissiveOnNetwork || isLoopbackName(host.includes(':') ? `[${host}]` : host.toLowerCase());
}

/** Refuses permissive issuers that a network can reach. */
export function checkPermissive(config: Config, refuse: Refuse): void {
  if (mayBePermissive(config)) return;
  if (config.permissive) refuse(['permissive'], ONLY_ON_THIS_MACHINE, true);
  for (const [index, { permissive }] of config.tenants.entries()) {
    if (permissive) refuse(['tenants', index, 'permissive'], ONLY_ON_THIS_MACHINE, true);
  }
}
