import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { createJwtValidator, createRemoteJwks } from '@tallystick/resource-server';
import { startTallystick } from 'tallystick';
import { createExpressListener } from './express.js';
import { createFastifyListener } from './fastify.js';
import { createHonoListener } from './hono.js';
import { createKoaListener } from './koa.js';

const resource = 'https://orders.example';
const frameworks = {
  Express: createExpressListener,
  Koa: createKoaListener,
  Fastify: createFastifyListener,
  Hono: createHonoListener,
};

let tally;
let options;
before(async () => {
  tally = await startTallystick({
    log: { level: 'silent' },
    apis: [{ resource, accessTokens: 'jwt', scopes: ['read', 'write'] }],
  });
  const { now } = tally.clock; // The API lives in the time of the test.
  const jwks = createRemoteJwks({ uri: `${tally.issuer}/jwks` }, { now });
  options = {
    validator: createJwtValidator({ issuer: tally.issuer, audience: resource }, { jwks, now }),
    scopes: (method) => (method === 'GET' ? ['read'] : ['write']),
  };
});
after(() => tally.stop());

for (const [name, createListener] of Object.entries(frameworks)) {
  describe(name, () => {
    let server;
    before(async () => {
      server = createServer(await createListener(options)).listen(0);
      await once(server, 'listening');
    });
    after(() => server.close());

    async function call(token, method = 'GET') {
      const url = `http://localhost:${server.address().port}/orders`;
      const answer = await fetch(url, { method, headers: token && { Authorization: `Bearer ${token}` } });
      const { owner, error } = await answer.json();
      return `${answer.status} ${owner ?? error}`;
    }

    test('alice gets her orders', async () => {
      assert.equal(await call(await tally.token({ user: 'alice' })), '200 alice');
    });

    test('nobody gets orders without a token', async () => {
      assert.equal(await call(undefined), '401 unauthorized');
    });

    test('a token without the scope is refused', async () => {
      const token = await tally.token({ user: 'alice', scopes: ['read'] });
      assert.equal(await call(token, 'POST'), '403 insufficient_scope');
    });

    for (const defect of ['wrong_audience', 'unknown_key', 'wrong_typ']) {
      test(`a token with the defect ${defect} is refused`, async () => {
        const token = await tally.token({ user: 'alice', defect });
        assert.equal(await call(token), '401 invalid_token');
      });
    }

    test('a token is refused once it has expired', async () => {
      const token = await tally.token({ user: 'alice', expiresIn: 60 });
      assert.equal(await call(token), '200 alice');
      await tally.expire(token);
      assert.equal(await call(token), '401 invalid_token');
    });
  });
}
