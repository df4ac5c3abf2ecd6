import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { bodyOf, message, send, statusOf } from '@tallystick/testing/raw_client';
import { api, type GatewayFixture, startGatewayFixture } from '../testing/gateway_fixture.ts';

// The promises of the phantom token plugins of other gateways, for users who migrate from them.

let fixture: GatewayFixture;
let reference: string;
beforeAll(async () => {
  fixture = await startGatewayFixture();
  reference = await fixture.issueReference(api('phantom'), { scope: 'read write' });
});
beforeEach(() => {
  fixture.upstream.seen.length = 0;
});
afterAll(() => fixture.stop());

const call = (...headers: string[]) =>
  send(fixture.port, message(['GET /phantom HTTP/1.1', 'Host: g', 'Connection: close', ...headers]));

describe('The Authorization header', () => {
  test.each([
    ['Bearer', (token: string) => `Bearer ${token}`],
    ['BEARER', (token: string) => `BEARER ${token}`],
    ['bEaReR', (token: string) => `bEaReR ${token}`],
    ['more than one space', (token: string) => `Bearer    ${token}`],
  ])('with %s is accepted', async (_, value) => {
    expect(statusOf(await call(`Authorization: ${value(reference)}`))).toBe(200);
    expect(fixture.upstream.seen.map(({ headers }) => headers.authorization)).toEqual([
      `Bearer ${fixture.authorizationServer.active.get(reference)}`,
    ]);
  });

  test.each([
    ['missing', () => [], undefined],
    ['of a wrong scheme', (token: string) => [`Authorization: Basic ${token}`], undefined],
    ['without a scheme', (token: string) => [`Authorization: ${token}`], undefined],
    ['with trailing junk', (token: string) => [`Authorization: Bearer ${token} junk`], 'invalid_token'],
    ['with junk after a dot', (token: string) => [`Authorization: Bearer ${token}.junk`], 'invalid_token'],
    ['with an unknown token', () => [`Authorization: Bearer ${'x'.repeat(43)}`], 'invalid_token'],
  ])('%s gets 401, with a challenge and JSON', async (_, headers, error) => {
    const answer = await call(...headers(reference));
    expect(statusOf(answer)).toBe(401);
    expect(answer).toMatch(/^content-type: application\/json\r$/im);
    const challenge = /^www-authenticate: (.*)\r$/im.exec(answer)?.[1] ?? '';
    expect(challenge).toMatch(/^Bearer /);
    expect(/ error="([^"]*)"/.exec(challenge)?.[1]).toBe(error);
    expect(JSON.parse(bodyOf(answer))).toEqual({ error: expect.any(String), error_description: expect.any(String) });
    expect(fixture.upstream.seen).toEqual([]);
  });
});

describe('The headers of a request', () => {
  const authorization = () => `Authorization: Bearer ${reference}`;

  test('Accept and Content-Type are those of the client', async () => {
    const headers = ['Accept: text/csv;q=0.5, */*;q=0.1', 'Content-Type: Text/Plain; charset="utf-8"'];
    expect(statusOf(await call(authorization(), ...headers))).toBe(200);
    expect(fixture.upstream.seen[0]?.headers).toMatchObject({
      accept: 'text/csv;q=0.5, */*;q=0.1',
      'content-type': 'Text/Plain; charset="utf-8"',
    });
  });

  test.each(['GET', 'POST', 'DELETE'])('Accept and Content-Type are not added: %s', async (method) => {
    const request = [`${method} /phantom HTTP/1.1`, 'Host: g', 'Connection: close', authorization()];
    expect(statusOf(await send(fixture.port, message([...request, 'Content-Length: 4'], 'body')))).toBe(200);
    expect(Object.keys(fixture.upstream.seen[0]?.headers ?? {}).sort()).toEqual([
      'authorization',
      'connection',
      'content-length',
      'host',
      'via',
      'x-forwarded-for',
      'x-forwarded-host',
      'x-forwarded-proto',
    ]);
  });

  test.each(['phantom', 'split', 'jwt'] as const)(
    'are forwarded beside a JWT of 30 KB, all 44 of them: %s',
    async (style) => {
      const claims = { filling: 'x'.repeat(22_400) };
      const issue = {
        phantom: () => fixture.issueReference(api(style), claims),
        split: () => fixture.issueSplit(api(style), claims),
        jwt: () => fixture.authorizationServer.issue({ aud: api(style), ...claims }),
      };
      const token = await issue[style]();
      const headers = Object.fromEntries(Array.from({ length: 44 }, (_, n) => [`x-header-${n}`, 'v'.repeat(n + 1)]));
      expect((await fixture.call(`/${style}`, token, { headers })).status).toBe(200);
      const seen = fixture.upstream.seen[0]?.headers;
      expect(seen).toMatchObject(headers);
      expect(seen?.authorization?.length).toBeGreaterThan(30_000);
    },
  );
});
