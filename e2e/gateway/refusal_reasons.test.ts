import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { until } from '@tallystick/testing/until';
import * as oidc from 'openid-client';
import { requirement } from '../requirements/index.ts';
import { call, demoService, serviceToken } from '../support/clients/clients.ts';
import { inBothWorlds } from '../support/worlds/both_worlds.ts';
import type { World } from '../support/worlds/world.ts';

/** The last line of a world's log about a refused token, at a gateway or at the authorization server. */
function lastLine(world: World, message: string, route?: string): Record<string, unknown> | undefined {
  const lines = world.log.text().split('\n');
  const found = lines.findLast(
    (line) =>
      line.includes(`"msg":"${message}"`) &&
      line.includes('"tokenProblem"') &&
      (route === undefined || line.includes(`"route":"${route}"`)),
  );
  return found === undefined ? undefined : JSON.parse(found);
}

inBothWorlds((world) => {
  test.each(['phantom', 'split'] as const)(
    requirement('refusals-are-explained', 'a revoked %s token'),
    async (style) => {
      const token = await serviceToken(world(), style);
      expect((await call(world().gateways[0], style, token)).status).toBe(200);
      await oidc.tokenRevocation(await demoService(world()), token);
      const line = await until(async () => {
        await call(world().gateways[0], style, token);
        return lastLine(world(), 'request refused', `/${style}`);
      });
      expect(line).toMatchObject({
        status: 401,
        route: `/${style}`,
        reason: expect.stringMatching(/^the access token (?:is not active|was revoked)$/),
        detail: expect.stringContaining('was revoked'),
        tokenProblem: 'revoked',
      });
    },
  );

  test(requirement('refusals-are-explained', 'an unknown token, in the logs of both roles'), async () => {
    const token = randomBytes(32).toString('base64url');
    world().log.secret(token);
    expect(await (await call(world().gateways[0], 'phantom', token)).json()).toEqual({
      error: 'invalid_token',
      error_description: 'the access token is not active',
    });
    const atGateway = await until(() => {
      const line = lastLine(world(), 'request refused');
      return line?.tokenProblem === 'unknown' ? line : undefined;
    });
    const atServer = lastLine(world(), 'introspected token is not active');
    expect(atServer).toMatchObject({ tokenProblem: 'unknown', client: 'gateway', tokenKey: atGateway.tokenKey });
  });

  test(requirement('refusals-are-explained', 'the client whose token lacks a scope'), async () => {
    const token = await serviceToken(world(), 'phantom');
    expect((await call(world().gateways[0], 'phantom', token, { method: 'POST' })).status).toBe(403);
    const line = await until(() => {
      const found = world()
        .log.text()
        .split('\n')
        .findLast((text) => text.includes('"error":"insufficient_scope"'));
      return found === undefined ? undefined : JSON.parse(found);
    });
    expect(line).toMatchObject({ msg: 'request refused', status: 403, client: 'demo-service' });
  });
});
