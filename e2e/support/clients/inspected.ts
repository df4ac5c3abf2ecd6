import { expect } from '@jest/globals';
import { decodeJwt } from 'jose';
import type { World } from '../worlds/world.ts';

const ACCEPTS = ['application/json', 'application/jwt', 'application/token-introspection+jwt'] as const;

/**
 * The result of introspection in each response format.
 *
 * @param credentials of the client that asks
 * @returns `active`, `inactive`, or any other answer
 */
export async function inspected(
  world: World,
  token: string,
  credentials = 'gateway:gateway-secret',
): Promise<string[]> {
  return Promise.all(
    ACCEPTS.map(async (accept) => {
      const answer = await fetch(`${world.issuer}/token/introspection`, {
        method: 'POST',
        headers: { Authorization: `Basic ${btoa(credentials)}`, Accept: accept },
        body: new URLSearchParams({ token }),
      });
      const text = await answer.text();
      world.log.secret(...(answer.status === 200 && accept !== 'application/json' ? [text] : []));
      if (answer.status === 204) return 'inactive';
      if (answer.status !== 200) return `${answer.status} ${text}`;
      if (accept === 'application/jwt') return 'active';
      const said =
        accept === 'application/json'
          ? JSON.parse(text)
          : (decodeJwt(text).token_introspection as { active?: boolean });
      if (said.active) return 'active';
      expect(said).toEqual({ active: false });
      return 'inactive';
    }),
  );
}
