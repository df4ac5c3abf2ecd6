import { expect, test } from '@jest/globals';
import { requirement } from '../requirements/index.ts';
import { call, introspect, introspectSigned, renderedClaims, shown } from '../support/clients/clients.ts';
import { GRANTS } from '../support/clients/grants.ts';
import { inBothWorlds } from '../support/worlds/both_worlds.ts';
import { resourceOf, STYLES } from '../support/worlds/world.ts';

const CASES = GRANTS.flatMap((grant) => STYLES.map((style) => ({ ...grant, style })));

inBothWorlds((world) => {
  test.each(CASES)(requirement('every-grant-every-style', '$name, $style'), async ({ obtain, style, subject }) => {
    const token = await obtain(world(), style);
    for (const gateway of world().gateways) {
      const { claims } = await shown(gateway, style, token);
      expect(claims).toMatchObject({ sub: subject, aud: resourceOf(style), scope: 'read' });
      expect((await call(gateway, style, token, { method: 'POST' })).status).toBe(403);
    }
  });

  test.each(CASES)(requirement('introspection-agrees', '$name, $style'), async ({ obtain, style, subject }) => {
    const token = await obtain(world(), style);
    // Only a JWT has a `jti`.
    const { jti: _, ...claims } = await renderedClaims(world(), token);
    const described = await introspect(world(), token);
    expect(described).toMatchObject({ ...claims, sub: subject, active: true });
    expect(await introspectSigned(world(), token)).toEqual(described);
  });
});
