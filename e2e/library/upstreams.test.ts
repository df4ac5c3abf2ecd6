import { createServer } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { startForTest } from '@tallystick/testing/on_test_finished';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import Koa from 'koa';
import { InputError, type StartOptions, startTallystick, type Upstream } from 'tallystick';
import { requirement } from '../requirements/index.ts';

const resource = 'https://orders.example';

const start = (upstream: Upstream, more: object = {}) =>
  startForTest(
    startTallystick({
      log: { level: 'silent' },
      apis: [{ resource, accessTokens: 'split', scopes: ['read', 'write'], upstream }],
      ...more,
    }),
  );

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly authorization: string;
  readonly body: string;
}

/** Applications that answer with what they received. */
const APPS: Record<string, () => Upstream> = {
  Express: () =>
    express()
      .use(express.text())
      .use(({ method, url, headers: { authorization }, body }, response) => {
        response.json({ method, url, authorization, body });
      }),
  Koa: () =>
    new Koa().use(async (ctx) => {
      const body = Buffer.concat(await ctx.req.toArray()).toString();
      ctx.body = { method: ctx.method, url: ctx.url, authorization: ctx.get('authorization'), body };
    }),
  Fastify: () => {
    const app = fastify();
    app.all('/*', async ({ method, url, headers: { authorization }, body }) => ({ method, url, authorization, body }));
    return app;
  },
  Hono: () =>
    new Hono().all('/*', async ({ req, json }) => {
      const { pathname, search } = new URL(req.url);
      const authorization = req.header('authorization');
      return json({ method: req.method, url: pathname + search, authorization, body: await req.text() });
    }),
  'a request listener': () => async (request, response) => {
    const { method, url, headers } = request;
    const body = Buffer.concat(await request.toArray()).toString();
    response.end(JSON.stringify({ method, url, authorization: headers.authorization, body }));
  },
  'a server that does not listen': () =>
    createServer(async (request, response) => {
      const { method, url, headers } = request;
      const body = Buffer.concat(await request.toArray()).toString();
      response.end(JSON.stringify({ method, url, authorization: headers.authorization, body }));
    }),
};

describe.each(Object.entries(APPS))('%s', (_what, createApp) => {
  test(requirement('library-upstreams'), async () => {
    const tally = await start(createApp());
    const answer = await tally.fetch('/orders/7?full=1', {
      as: 'alice',
      method: 'POST',
      body: 'an order',
      headers: { 'Content-Type': 'text/plain' },
    });
    expect([answer.status, (await answer.json()) as Seen]).toEqual([
      200,
      {
        method: 'POST',
        url: '/orders/7?full=1',
        authorization: expect.stringMatching(/^Bearer ([\w-]+\.){2}[\w-]+$/),
        body: 'an order',
      },
    ]);
  });
});

const answering =
  (text: string): Upstream =>
  (_request, response) =>
    response.end(text);

test(requirement('library-upstreams', 'neither an origin nor an application'), async () => {
  await expect(start({ listen: true } as never)).rejects.toThrow('apis[0].upstream: expected');
});

test(requirement('library-routes'), async () => {
  const tally = await start(answering('first'));
  const textAt = async (path: string) => (await tally.fetch(path, { as: 'alice' })).text();
  expect(await textAt('/orders')).toBe('first');

  await tally.routes.put({ prefix: '/orders', api: resource, upstream: answering('second') });
  expect([await textAt('/orders/7'), await textAt('/bills')]).toEqual(['second', 'first']);
  await tally.routes.put({ prefix: '/orders', api: resource, upstream: answering('third') });
  expect(await textAt('/orders/7')).toBe('third');
  expect(tally.routes.list().map(({ prefix }) => prefix)).toEqual(['/', '/orders']);

  expect([await tally.routes.remove('/orders'), await tally.routes.remove('/orders')]).toEqual([true, false]);
  expect(await textAt('/orders/7')).toBe('first');

  await tally.apis.put({ resource: 'https://orders.example/bills', scopes: ['pay'], upstream: answering('bills') });
  await tally.routes.put({ prefix: '/bills', api: 'https://orders.example/bills', scopes: { '*': ['pay'] } });
  expect(await textAt('/bills')).toBe('bills');
  expect((await tally.fetch('/bills', { as: 'alice', scopes: [] })).status).toBe(403);
  await tally.apis.put({
    resource: 'https://orders.example/bills',
    scopes: ['pay'],
    upstream: answering('more bills'),
  });
  expect(await textAt('/bills')).toBe('more bills');

  await tally.reset();
  expect(await textAt('/bills')).toBe('first');
});

test(requirement('library-routes', 'a wrong route changes nothing'), async () => {
  const tally = await start(answering('first'));
  for (const [route, path] of [
    [{ prefix: 'orders', api: resource }, 'prefix'],
    [{ prefix: '/orders', api: 'https://unknown.example' }, 'api'],
    [{ prefix: '/orders', api: resource, upstream: 'no origin' }, 'upstream'],
    [{ prefix: '/orders', api: resource, scopes: { GET: 'read' } as never }, 'scopes.GET'],
  ] as const) {
    const error = await tally.routes.put(route).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InputError);
    expect(error).toMatchObject({ path });
  }
  await expect(tally.apis.remove(resource)).rejects.toThrow('gateway.routes[0].api names this API');
  expect(tally.routes.list()).toHaveLength(1);
  expect(await (await tally.fetch('/orders', { as: 'alice' })).text()).toBe('first');
});

test(requirement('library-routes', 'another configuration replaces them'), async () => {
  const options: StartOptions['config'] = {
    log: { level: 'silent' },
    apis: [{ resource, accessTokens: 'split', upstream: answering('first') }],
  };
  const tally = await startForTest(startTallystick({ config: options }));
  await tally.replace({
    ...tally.config,
    gateway: { ...tally.config.gateway, routes: [{ prefix: '/v2', api: resource, upstream: answering('v2') }] },
  });
  expect(await (await tally.fetch('/v2', { as: 'alice' })).text()).toBe('v2');
  expect((await tally.fetch('/orders', {})).status).toBe(404);
});

describe('a tenant', () => {
  test(requirement('library-tenants'), async () => {
    const tally = await start(answering('first'));
    const make = (id: string) =>
      tally.tenants.create({
        id,
        apis: [{ resource, accessTokens: 'phantom', scopes: ['read'], upstream: answering(id) }],
      });
    const [one, two] = await Promise.all([make('one'), make('two')]);
    const textOf = async (answer: Promise<Response>) => (await answer).text();
    expect(
      await Promise.all([tally, one, two].map((issuer) => textOf(issuer.fetch('/orders', { as: 'alice' })))),
    ).toEqual(['first', 'one', 'two']);
    expect(one.gatewayUrl).toBe(`${tally.gatewayUrl}/one`);

    const token = await one.token({ user: 'alice' });
    expect((await one.fetch('/orders', { token })).status).toBe(200);
    expect((await two.fetch('/orders', { token })).status).toBe(401);
    expect((await tally.fetch('/orders', { token })).status).toBe(401);
    await two.rotateKeys();
    await two.routes.put({ prefix: '/bills', api: resource, upstream: answering('bills') });
    expect(await textOf(two.fetch('/bills', { as: 'bob' }))).toBe('bills');
    expect(await textOf(one.fetch('/bills', { as: 'bob' }))).toBe('one');
    expect(await one.revoke(token)).toBe(true);
    expect((await one.fetch('/orders', { token })).status).toBe(401);

    await tally.tenants.remove('one');
    expect(await textOf(tally.fetch('/one/orders', { as: 'alice' }))).toBe('first');
    expect(await textOf(two.fetch('/orders', { as: 'alice' }))).toBe('two');
  });

  test.each(['jwt', 'opaque', 'phantom', 'split'] as const)(
    requirement('library-tenants', 'the sample API behind the style %s'),
    async (accessTokens) => {
      const tally = await start(answering('first'), { tenants: [{ id: 'one', apis: [{ resource, accessTokens }] }] });
      const answer = await tally.tenants.get('one').fetch('/hello', { as: 'zoe' });
      expect(await answer.json()).toMatchObject({ style: accessTokens, path: '/hello', claims: { sub: 'zoe' } });
    },
  );

  test(requirement('library-tenants', 'users sign in there'), async () => {
    const tally = await start(answering('first'));
    const tenant = await tally.tenants.create({
      id: 'one',
      apis: [{ resource, scopes: ['read'], upstream: answering('one') }],
    });
    const { accessToken } = await tenant.signIn({ user: 'zoe' });
    expect(await (await tenant.fetch('/', { token: accessToken })).text()).toBe('one');
  });

  test(requirement('library-tenants', 'a wrong route'), async () => {
    const tally = await start(answering('first'));
    const wrong = { id: 'one', apis: [{ resource }], routes: [{ prefix: '/', api: 'https://unknown.example' }] };
    await expect(tally.tenants.create(wrong)).rejects.toMatchObject({ path: 'routes[0].api' });
    expect(() => tally.tenants.get('oen')).toThrow('no tenant "oen"; known: none');
  });
});
