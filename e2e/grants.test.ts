import { expect, test } from '@jest/globals';
import { requirement } from './requirements.ts';
import { inBothWorlds } from './support/both_worlds.ts';
import { call, shown } from './support/clients.ts';
import { GRANTS } from './support/grants.ts';
import { resourceOf, STYLES } from './support/world.ts';

const CASES = GRANTS.flatMap((grant) => STYLES.map((style) => ({ ...grant, style })));

inBothWorlds((world) => {
  test.each(CASES)(requirement('every-grant-every-style', '$name, $style'), async ({ obtain, style, subject }) => {
    const token = await obtain(world(), style);
    for (const gateway of world().gateways) {
      const { claims } = await shown(gateway, style, token);
      // Introspection names no subject for a token that a client got for itself.
      expect(claims.sub ?? claims.client_id).toBe(subject);
      expect(claims).toMatchObject({ aud: resourceOf(style), scope: 'read' });
      expect((await call(gateway, style, token, { method: 'POST' })).status).toBe(403);
    }
  });
});
