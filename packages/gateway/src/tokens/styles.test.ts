import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defaultDPoPAlgorithms } from '@tallystick/resource-server';
import { message, openConnection } from '@tallystick/testing/raw_client';
import { createSigningKey } from '@tallystick/testing/signing_key';
import { issuer } from '../testing/authorization_server.ts';
import { api, type GatewayFixture, route, startGatewayFixture } from '../testing/gateway_fixture.ts';

let fixture: GatewayFixture;
beforeEach(async () => {
  fixture = await startGatewayFixture();
});
afterEach(() => fixture.stop());

/** The `Authorization` headers that the API got, in order. */
const given = () => fixture.upstream.seen.map(({ headers }) => headers.authorization);

describe('The API gets', () => {
  test('with jwt, the JWT that the client holds', async () => {
    const jwt = await fixture.authorizationServer.issue({ aud: api('jwt') });
    expect((await fixture.call('/jwt/a?b=c', jwt)).status).toBe(200);
    expect(given()).toEqual([`Bearer ${jwt}`]);
    expect(fixture.upstream.seen[0]?.url).toBe('/jwt/a?b=c');
    expect(fixture.authorizationServer.introspections).toEqual([]);
  });

  test('with opaque, the reference that the client holds, and the authorization server is not asked', async () => {
    const reference = 'V1StGXR8_Z5jdHi6B-myTV1StGXR8_Z5jdHi6B-myT0';
    expect((await fixture.call('/opaque/a', reference)).status).toBe(200);
    expect(given()).toEqual([`Bearer ${reference}`]);
    expect(fixture.authorizationServer.introspections).toEqual([]);
  });

  test('with phantom, the JWT behind the reference', async () => {
    const reference = await fixture.issueReference(api('phantom'));
    expect((await fixture.call('/phantom/a', reference)).status).toBe(200);
    expect(given()).toEqual([`Bearer ${fixture.authorizationServer.active.get(reference)}`]);
    expect(fixture.authorizationServer.introspections).toEqual([
      {
        body: `token=${reference}&token_type_hint=access_token`,
        headers: expect.objectContaining({
          accept: 'application/jwt',
          // RFC 6749 section 2.3.1: each part is form-encoded first.
          authorization: `Basic ${btoa('gateway:a+secret%3A+100%25')}`,
          'content-type': 'application/x-www-form-urlencoded',
        }),
      },
    ]);
  });

  test('with split, the JWT joined from signing input and signature, from the store or from the cache', async () => {
    const signature = await fixture.issueSplit(api('split'));
    const jwt = `${fixture.store.entries.get(signature)}.${signature}`;
    await fixture.call('/split/a', signature);
    await fixture.call('/split/a', signature);
    expect(given()).toEqual([`Bearer ${jwt}`, `Bearer ${jwt}`]);
    expect(fixture.store.lookups).toBe(1);
    expect(fixture.authorizationServer.introspections).toEqual([]);
  });

  test('never the client-held token, unless the style says so', async () => {
    const [reference, signature] = [
      await fixture.issueReference(api('phantom')),
      await fixture.issueSplit(api('split')),
    ];
    await fixture.call('/phantom', reference, { headers: { 'X-Access-Token': reference } });
    await fixture.call('/split', signature);
    const seen = JSON.stringify(fixture.upstream.seen).replaceAll(/\.[\w-]+"/g, '"');
    expect(seen).not.toContain(reference);
    expect(seen).not.toContain(signature);
  });
});

describe('The gateway refuses with 401, and does not forward, a JWT', () => {
  const cases: [string, () => Promise<string>][] = [
    ['that is for another API', () => fixture.authorizationServer.issue({ aud: api('phantom') })],
    ['of another issuer', () => fixture.authorizationServer.issue({ aud: api('jwt'), iss: `${issuer}/` })],
    [
      'that has expired',
      () => fixture.authorizationServer.issue({ aud: api('jwt'), exp: fixture.clock.time / 1000 - 1 }),
    ],
    [
      'that is not valid yet',
      () => fixture.authorizationServer.issue({ aud: api('jwt'), nbf: fixture.clock.time / 1000 + 9 }),
    ],
    ['that is an ID token', () => fixture.authorizationServer.issue({ aud: api('jwt') }, { typ: 'JWT' })],
    [
      'that is signed with another key',
      async () => fixture.authorizationServer.issue({ aud: api('jwt') }, { key: await createSigningKey('key-1') }),
    ],
    [
      'that is bound to a key, without a proof',
      () => fixture.authorizationServer.issue({ aud: api('jwt'), cnf: { jkt: 'k' } }),
    ],
    ['that is malformed', async () => 'aGVhZGVy.cGF5bG9hZA.c2lnbmF0dXJl'],
  ];
  test.each(cases)('%s', async (_, issue) => {
    const response = await fixture.call('/jwt/a', await issue());
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer error="invalid_token", error_description="/);
    expect(await response.json()).toMatchObject({ error: 'invalid_token' });
    expect(fixture.upstream.seen).toEqual([]);
  });
});

describe('A poisoned store', () => {
  test.each(['the payload of another token', 'a made-up payload', 'a malformed signing input'])(
    'with %s under a token key does not get a request through',
    async (what) => {
      const signature = await fixture.issueSplit(api('split'));
      const other = await fixture.issueSplit(api('split'), { sub: 'root', scope: 'read write' });
      const [header] = fixture.store.entries.get(signature)?.split('.') ?? [];
      const poison = {
        'the payload of another token': fixture.store.entries.get(other) ?? '',
        'a made-up payload': `${header}.${Buffer.from('{"sub":"root"}').toString('base64url')}`,
        'a malformed signing input': `a.b.c\r\nX-User: root`,
      }[what] as string;
      const good = fixture.store.entries.get(signature) ?? '';
      fixture.store.entries.set(signature, poison);
      for (let attempt = 0; attempt < 2; attempt += 1) {
        const response = await fixture.call('/split/a', signature);
        expect(response.status).toBe(401);
        expect(await response.json()).toMatchObject({ error: 'invalid_token' });
      }
      expect(fixture.upstream.seen).toEqual([]);
      const warnings = fixture.log.filter(({ level }) => level === 'warn');
      expect(warnings).toHaveLength(2);
      expect(warnings[0]?.tokenKey).toHaveLength(8);
      expect(JSON.stringify(fixture.log)).not.toContain(signature);

      fixture.store.entries.set(signature, good);
      expect((await fixture.call('/split/a', signature)).status).toBe(200);
    },
  );
});

describe('A malformed token', () => {
  test.each([
    ['/phantom', 'short'],
    ['/phantom', 'x'.repeat(513)],
    ['/phantom', 'a.b.cccccccccccccccccccccccccccccccccccccccccc'],
    ['/phantom', `${'x'.repeat(42)}=`],
    ['/phantom', `${'x'.repeat(42)}/`],
    ['/opaque', 'short'],
    ['/split', 'x'.repeat(63)],
    ['/split', 'x'.repeat(1025)],
    ['/split', `${'x'.repeat(40)}.${'x'.repeat(40)}.${'x'.repeat(40)}`],
    ['/jwt', 'x'.repeat(86)],
    ['/jwt', 'a.b.c.d'],
    ['/jwt', 'a..c'],
  ])('at %s is 401 without a lookup: %s', async (path, token) => {
    const response = await fixture.call(path, token);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toContain('error="invalid_token"');
    expect(fixture.store.lookups).toBe(0);
    expect(fixture.authorizationServer.introspections).toEqual([]);
    expect(fixture.upstream.seen).toEqual([]);
  });
});

describe('Credentials', () => {
  test('that are missing get a challenge without an error', async () => {
    const response = await fixture.call('/phantom/a');
    expect(response.status).toBe(401);
    const metadata = `resource_metadata="${fixture.origin}/.well-known/oauth-protected-resource/phantom"`;
    expect(response.headers.get('www-authenticate')).toBe(
      `Bearer ${metadata}, DPoP algs="${defaultDPoPAlgorithms.join(' ')}", ${metadata}`,
    );
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toMatchObject({ error: 'unauthorized' });
  });

  test.each(['BEARER ', 'bEaReR ', 'Bearer    '])('may begin with %j', async (beginning) => {
    const authorization = `${beginning}${await fixture.issueReference(api('phantom'))}`;
    expect((await fixture.call('/phantom', undefined, { headers: { authorization } })).status).toBe(200);
  });

  test('that come twice get 400', async () => {
    const reference = await fixture.issueReference(api('phantom'));
    const client = await openConnection(fixture.port);
    const header = `Authorization: Bearer ${reference}`;
    client.socket.write(message(['GET /phantom HTTP/1.1', 'Host: g', 'Connection: close', header, header]));
    expect(await client.closed()).toMatch(/^HTTP\/1\.1 400 .*"error":"invalid_request"/s);
    expect(fixture.upstream.seen).toEqual([]);
  });

  test.each(['access_token', '%61ccess_token'])('in the query (%s) get 400', async (name) => {
    const reference = await fixture.issueReference(api('phantom'));
    expect((await fixture.call(`/phantom?${name}=${reference}`, reference)).status).toBe(400);
    expect(fixture.upstream.seen).toEqual([]);
    expect(JSON.stringify(fixture.log)).not.toContain(reference);
  });
});

describe('Scopes', () => {
  test.each(['jwt', 'phantom', 'split'] as const)(
    'are checked on every request with %s, cache hit or not',
    async (style) => {
      const issued = {
        jwt: () => fixture.authorizationServer.issue({ aud: api('jwt') }),
        phantom: () => fixture.issueReference(api('phantom')),
        split: () => fixture.issueSplit(api('split')),
      };
      const token = await issued[style]();
      expect((await fixture.call(`/${style}`, token, { method: 'POST' })).status).toBe(403);
      expect((await fixture.call(`/${style}`, token)).status).toBe(200);
      const refused = await fixture.call(`/${style}`, token, { method: 'DELETE' });
      expect(refused.status).toBe(403);
      expect(refused.headers.get('www-authenticate')).toContain('error="insufficient_scope"');
      expect(refused.headers.get('www-authenticate')).toContain('scope="write"');
      expect(fixture.cacheLevels()).toEqual(['miss', 'hit', 'hit']);
      expect(fixture.upstream.seen).toHaveLength(1);
    },
  );

  test('a method that is not listed is refused', async () => {
    const other = await startGatewayFixture(({ routes }) => ({
      routes: [{ ...route('phantom', routes[0]?.upstream ?? ''), scopes: { GET: ['read'] } }],
    }));
    try {
      const reference = await other.issueReference(api('phantom'));
      for (const method of ['POST', 'HEAD', 'OPTIONS']) {
        expect((await other.call('/phantom', reference, { method })).status).toBe(405);
      }
      expect(other.upstream.seen).toEqual([]);
    } finally {
      await other.stop();
    }
  });
});

describe('A token', () => {
  test.each(['phantom', 'split'] as const)('for another %s API gets 401', async (style) => {
    const other = await startGatewayFixture(({ routes }) => ({
      apis: [{ resource: api('other'), accessTokens: style }],
      routes: [
        route(style, routes[0]?.upstream ?? ''),
        { ...route(style, routes[0]?.upstream ?? ''), prefix: '/other', api: api('other') },
      ],
    }));
    try {
      const token = await (style === 'split' ? other.issueSplit(api('other')) : other.issueReference(api('other')));
      expect((await other.call('/other', token)).status).toBe(200);
      expect((await other.call(`/${style}`, token)).status).toBe(401);
      expect((await other.call('/other', token)).status).toBe(200);
      expect(other.upstream.seen).toHaveLength(2);
      // A client's mistake causes no warning.
      expect(other.log.filter(({ level }) => level === 'warn')).toEqual([]);
    } finally {
      await other.stop();
    }
  });
});
