import { createServer } from 'node:http';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { listen } from '@tallystick/testing/listen';
import { createOwnFetch } from './own_fetch.ts';

const own = createOwnFetch();
let server: Awaited<ReturnType<typeof listen>>;
beforeAll(async () => {
  server = await listen(
    createServer(async (request, response) => {
      const { method, url = '', headers } = request;
      const [, status, location] = /^\/(\d{3})(?:\?(.+))?$/.exec(url) ?? [];
      if (url === '/never') return;
      if (url === '/loop') return void response.writeHead(302, { Location: '/loop' }).end();
      if (status !== undefined) {
        response.writeHead(Number(status), location === undefined ? {} : { Location: decodeURIComponent(location) });
        response.end();
        return;
      }
      const body = Buffer.concat(await request.toArray()).toString();
      response.setHeader('Set-Cookie', ['a=1', 'b=2']);
      response.end(JSON.stringify({ method, url, type: headers['content-type'], secret: headers.authorization, body }));
    }),
  );
});
afterAll(async () => {
  own.close();
  await server.stop();
});

const form = () => {
  const data = new FormData();
  data.set('a', '1');
  return data;
};

test.each<[string, RequestInit | undefined]>([
  ['no options', undefined],
  ['a text', { method: 'POST', body: 'text' }],
  ['parameters', { method: 'PUT', body: new URLSearchParams({ a: '1' }) }],
  [
    'bytes',
    { method: 'PATCH', body: Buffer.from('bytes'), headers: { 'Content-Type': 'x/y', Authorization: 'Bearer t' } },
  ],
  ['a stream', { method: 'POST', body: new Blob(['blob']).stream(), duplex: 'half' } as RequestInit],
])('sends what the global fetch sends: %s', async (_what, init) => {
  const again = init && { ...init, ...(init.body instanceof ReadableStream && { body: new Blob(['blob']).stream() }) };
  const [ours, global] = await Promise.all([
    own.fetch(`${server.origin}/a?b=c`, init),
    fetch(`${server.origin}/a?b=c`, again),
  ]);
  expect([ours.status, ours.url, ours.headers.getSetCookie()]).toEqual([200, global.url, ['a=1', 'b=2']]);
  expect(await ours.json()).toEqual(await global.json());
});

test('sends a form with files', async () => {
  const answer = await own.fetch(server.origin, { method: 'POST', body: form() });
  expect(await answer.json()).toMatchObject({
    type: expect.stringContaining('multipart/form-data; boundary='),
    body: expect.stringContaining('name="a"'),
  });
});

test.each([204, 304])('an answer with the status %d has no body', async (status) => {
  const answer = await own.fetch(`${server.origin}/${status}`);
  expect([answer.status, await answer.text()]).toEqual([status, '']);
});

test('an answer to HEAD has no body', async () => {
  expect(await (await own.fetch(server.origin, { method: 'HEAD' })).text()).toBe('');
});

test.each([
  [303, 'GET', ''],
  [302, 'GET', ''],
  [307, 'POST', 'text'],
])('follows the redirect %d with %s', async (status, method, body) => {
  const url = `${server.origin}/${status}?${encodeURIComponent('/next')}`;
  const init = { method: 'POST', body: 'text', headers: { Authorization: 'Bearer t' } };
  const answer = await own.fetch(url, init);
  expect([answer.redirected, answer.url]).toEqual([true, `${server.origin}/next`]);
  expect(await answer.json()).toMatchObject({ method, body, secret: 'Bearer t' });
  expect((await own.fetch(url, { ...init, redirect: 'manual' })).status).toBe(status);
  await expect(own.fetch(url, { ...init, redirect: 'error' })).rejects.toThrow(TypeError);
});

test('sends no credentials to another origin', async () => {
  const { port } = new URL(server.origin);
  const hosts = ['localhost', '127.0.0.1'];
  for (const [index, host] of hosts.entries()) {
    const target = encodeURIComponent(`http://${hosts[1 - index]}:${port}/next`);
    const headers = { Authorization: 'Bearer t' };
    const answer = await own.fetch(`http://${host}:${port}/302?${target}`, { headers }).catch(() => undefined);
    if (answer?.ok) expect(await answer.json()).not.toHaveProperty('secret');
  }
});

test('stops with the signal, and refuses an endless redirect', async () => {
  await expect(own.fetch(`${server.origin}/never`, { signal: AbortSignal.timeout(10) })).rejects.toMatchObject({
    name: 'TimeoutError',
  });
  await expect(own.fetch(`${server.origin}/loop`)).rejects.toThrow('redirect count');
  await expect(own.fetch('http://127.0.0.1:1/')).rejects.toThrow(TypeError);
});
