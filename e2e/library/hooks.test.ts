import { describe, expect, test } from '@jest/globals';
import { startForTest } from '@tallystick/testing/on_test_finished';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { startTallystick, type Upstream } from 'tallystick';
import { requirement } from '../requirements/index.ts';

const resource = 'https://orders.example';
const app: Upstream = (request, response) =>
  response.end(String(request.headers.authorization).slice('Bearer '.length));

describe.each(['jwt', 'phantom', 'split'] as const)('in the style %s', (accessTokens) => {
  test(requirement('library-hooks', 'access tokens'), async () => {
    const tally = await startForTest(
      startTallystick({
        log: { level: 'silent' },
        apis: [{ resource, accessTokens, scopes: ['read'], upstream: app }],
      }),
    );
    const remove = tally.hooks.accessToken(({ header, payload }) => {
      header.x = 1;
      payload.tier = 'gold';
    });
    const received = await (await tally.fetch('/', { as: 'alice' })).text();
    expect([decodeProtectedHeader(received), decodeJwt(received)]).toMatchObject([
      { x: 1 },
      { tier: 'gold', sub: 'alice' },
    ]);
    const { accessToken } = await tally.signIn({ user: 'bob' });
    expect(decodeJwt(await (await tally.fetch('/', { token: accessToken })).text())).toMatchObject({ tier: 'gold' });
    remove();
    expect(decodeJwt(await (await tally.fetch('/', { as: 'alice', newToken: true })).text())).not.toHaveProperty(
      'tier',
    );
  });
});

test(requirement('library-hooks', 'answers'), async () => {
  const tally = await startForTest(startTallystick({ log: { level: 'silent' }, apis: [{ resource, upstream: app }] }));
  tally.hooks.answer('userinfo', (body, { status }) => ({ ...body, nickname: 'Al', status }));
  const userinfo = async () => {
    const { accessToken } = await tally.signIn({ user: 'alice', scopes: ['openid'] });
    const answer = await fetch(`${tally.issuer}/me`, { headers: { Authorization: `Bearer ${accessToken}` } });
    return answer.json();
  };
  expect(await userinfo()).toEqual({ sub: 'alice', nickname: 'Al', status: 200 });
  await tally.reset();
  expect(await userinfo()).toEqual({ sub: 'alice' });
  expect(() => tally.hooks.answer('nothing' as never, (body) => body)).toThrow('expected');
});
