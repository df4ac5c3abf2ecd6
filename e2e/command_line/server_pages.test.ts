import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { requirement } from '../requirements/index.ts';
import { type OneProcess, startOneProcess } from '../support/worlds/one_process.ts';

let world: OneProcess;
let urls: Readonly<Record<string, string>>;
beforeAll(async () => {
  world = await startOneProcess((config) => {
    const { apis, clients, users } = config;
    return { ...config, controlApi: { enabled: true }, tenants: [{ id: 'acme', apis, clients, users }] };
  });
  const { issuer, gatewayUrl, sampleApiUrl, controlUrl } = world.tallystick;
  urls = {
    'Authorization server': issuer,
    Tenant: `${issuer}/acme`,
    Gateway: gatewayUrl,
    'Sample API': sampleApiUrl,
    'Control API': String(controlUrl),
  };
});
afterAll(() => world.stop());

const pageAt = async (url: string, accept = 'text/html') => {
  const response = await fetch(url, { headers: { Accept: accept } });
  return { response, text: await response.text() };
};

describe.each(['Authorization server', 'Tenant', 'Gateway', 'Sample API', 'Control API'])('%s', (name) => {
  test(requirement('server-pages', `HTML for browsers: ${name}`), async () => {
    const { response, text } = await pageAt(`${urls[name]}/`);
    expect(response.status).toBe(200);
    expect(text).toContain(`<h1>${name === 'Tenant' ? 'Authorization server' : name}</h1>`);
    expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/);
    expect(text).not.toMatch(/<script|secret/i);
    const links = [...text.matchAll(/ href="([^"]+)"/g)].map(([, href]) => new URL(String(href), `${urls[name]}/`));
    const ours = links.filter(({ hostname }) => hostname === 'localhost');
    expect(ours.length).toBeGreaterThan(0);
    for (const link of ours) {
      const { status } = await fetch(link, { headers: { Accept: 'text/html' } });
      expect([link.href, status]).toEqual([link.href, 200]);
    }
  });

  test(requirement('server-pages', `JSON for programs: ${name}`), async () => {
    const { response, text } = await pageAt(`${urls[name]}/`, 'application/json');
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json']);
    expect(JSON.parse(text).name).toMatch(/^Tallystick: /);
    expect((await fetch(`${urls[name]}/`, { method: 'POST' })).status).toBeGreaterThanOrEqual(400);
  });
});

test(requirement('server-pages', 'an issuer names its own metadata, users and tenants'), async () => {
  const { issuer } = world;
  const { sections: first } = JSON.parse((await pageAt(`${issuer}/`, '*/*')).text);
  expect(first.Issuer).toContainEqual({ name: 'Identifier', text: issuer });
  expect(first.Users).toContainEqual(expect.objectContaining({ name: 'alice' }));
  expect(first.Tenants).toEqual([{ name: 'acme', url: `${issuer}/acme/` }]);
  const { sections: tenant } = JSON.parse((await pageAt(`${issuer}/acme`, '*/*')).text);
  expect(tenant.Issuer).toContainEqual({ name: 'Identifier', text: `${issuer}/acme` });
  expect(tenant.Tenants).toEqual([]);
});

test(requirement('server-pages', 'not where a route takes the path'), async () => {
  const other = await startOneProcess((config) => {
    const [route] = config.gateway?.routes ?? [];
    return { ...config, gateway: { ...config.gateway, routes: [{ ...route, prefix: '/' }] } } as typeof config;
  });
  expect((await pageAt(`${other.tallystick.gatewayUrl}/`)).response.status).toBe(401);
  await other.stop();
});

test.each([
  ['0.0.0.0', undefined, 404],
  ['0.0.0.0', true, 200],
  ['localhost', false, 404],
])(requirement('server-pages', 'on %s with serverPages: %s'), async (host, serverPages, status) => {
  const other = await startOneProcess((config) => ({
    ...config,
    host,
    permissiveOnNetwork: true,
    ...(serverPages !== undefined && { serverPages }),
  }));
  const { issuer, gatewayUrl, sampleApiUrl } = other.tallystick;
  for (const url of [issuer, gatewayUrl, sampleApiUrl])
    expect([url, (await pageAt(`${url}/`)).response.status]).toEqual([url, status]);
  await other.stop();
});
