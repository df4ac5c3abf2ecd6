import { request } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { startForTest } from '@tallystick/testing/on_test_finished';
import type { ConfigInput } from '../config/schema.ts';
import { startTallystick, type Tallystick } from './start_tallystick.ts';

/** A port that nothing in this process listens on: the one that a container runtime has published. */
const PUBLISHED = 'http://localhost:49153';
const apiOf = (style: string) => `https://api.example/${style}`;
const styles = ['jwt', 'opaque', 'phantom', 'split'] as const;

const start = (config: ConfigInput = {}): Promise<Tallystick> =>
  startForTest(
    startTallystick({
      log: { level: 'silent' },
      apis: styles.map((style) => ({ resource: apiOf(style), accessTokens: style })),
      controlApi: { enabled: true },
      ...config,
    }),
  );

async function serviceToken(address: string, resource: string): Promise<string> {
  const answer = await fetch(`${address}/token`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa('demo-service:demo-service-secret')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource }),
  });
  return ((await answer.json()) as { access_token: string }).access_token;
}

const discover = async (address: string) =>
  (await (await fetch(`${address}/.well-known/openid-configuration`)).json()) as Record<string, string>;

const put = ({ controlUrl }: Tallystick, body: unknown) =>
  fetch(`${controlUrl}/issuer`, {
    method: 'PUT',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });

const call = ({ gatewayUrl }: Tallystick, style: string, token: string) =>
  fetch(`${gatewayUrl}/${style}/hello`, { headers: { Authorization: `Bearer ${token}` } });

describe('PUT /issuer', () => {
  test('gives the authorization server the name that clients know', async () => {
    const tallystick = await start();
    const address = tallystick.issuer;
    const answer = await put(tallystick, { issuer: PUBLISHED });
    expect([answer.status, await answer.json()]).toEqual([200, { issuer: PUBLISHED }]);
    expect(await discover(address)).toMatchObject({ issuer: PUBLISHED, token_endpoint: `${PUBLISHED}/token` });
    expect(tallystick.issuer).toBe(PUBLISHED);
    expect(await (await fetch(`${tallystick.controlUrl}/issuer`)).json()).toEqual({ issuer: PUBLISHED });
  });

  test.each(styles)('the gateway and the API take its tokens, in the style %s', async (style) => {
    const tallystick = await start();
    const address = tallystick.issuer;
    const before = await serviceToken(address, apiOf(style));
    expect((await call(tallystick, style, before)).status).toBe(200);
    await put(tallystick, { issuer: PUBLISHED });
    const answer = await call(tallystick, style, await serviceToken(address, apiOf(style)));
    const { claims } = (await answer.json()) as { claims: Record<string, unknown> };
    expect([answer.status, claims.iss]).toEqual([200, PUBLISHED]);
    if (style === 'jwt') expect((await call(tallystick, style, before)).status).toBe(401);
  });

  test('tokens without a flow have the name, and a change of the APIs or a reset keeps it', async () => {
    const tallystick = await start();
    const address = tallystick.issuer;
    await tallystick.setIssuer(PUBLISHED);
    await tallystick.apis.put({ resource: 'https://new.example' });
    await tallystick.reset();
    const token = String(await tallystick.token({ client: 'demo-service', api: apiOf('jwt') }));
    const [, payload = ''] = token.split('.');
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString()).iss).toBe(PUBLISHED);
    expect((await call(tallystick, 'jwt', token)).status).toBe(200);
    expect((await discover(address)).issuer).toBe(PUBLISHED);
  });

  test('tenants that are created later are below it', async () => {
    const tallystick = await start();
    await tallystick.setIssuer(PUBLISHED);
    const tenant = await tallystick.tenants.create({ id: 'later', apis: [] });
    expect(tenant.issuer).toBe(`${PUBLISHED}/later`);
  });

  test.each([
    ['a URL with a slash at its end', { issuer: `${PUBLISHED}/` }, 'issuer'],
    ['another path', { issuer: `${PUBLISHED}/auth` }, 'issuer'],
    ['a name that the server does not answer for', { issuer: 'http://evil.example' }, 'issuer'],
    ['no issuer', {}, 'issuer'],
    ['something else', { issuer: PUBLISHED, more: 1 }, 'more'],
  ])('refuses %s, and changes nothing', async (_what, body, path) => {
    const tallystick = await start();
    const { issuer } = tallystick;
    const answer = await put(tallystick, body);
    expect([answer.status, await answer.json()]).toEqual([400, expect.objectContaining({ path })]);
    expect((await discover(issuer)).issuer).toBe(issuer);
  });

  test('takes a name in allowedHosts', async () => {
    const tallystick = await start({ allowedHosts: ['tallystick'] });
    expect((await put(tallystick, { issuer: 'http://tallystick:4000' })).status).toBe(200);
  });

  test('is refused while the issuer is from the request', async () => {
    const tallystick = await start({ issuer: 'from-request' });
    expect((await put(tallystick, { issuer: PUBLISHED })).status).toBe(400);
  });

  test('is refused for a web page of another origin', async () => {
    const { controlUrl } = await start();
    const { port } = new URL(String(controlUrl));
    const status = await new Promise((resolve) => {
      const headers = { 'Content-Type': 'application/json', Origin: 'https://evil.example' };
      const options = { port, host: '127.0.0.1', method: 'PUT', path: '/issuer', headers };
      request(options, (response) => resolve(response.resume().statusCode)).end(JSON.stringify({ issuer: PUBLISHED }));
    });
    expect(status).toBe(403);
  });
});
