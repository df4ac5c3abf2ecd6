import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createSigningKey } from '@tallystick/testing/signing_key';
import { until } from '@tallystick/testing/until';
import { api, type GatewayFixture, startGatewayFixture } from '../testing/gateway_fixture.ts';

let fixture: GatewayFixture;
beforeEach(async () => {
  fixture = await startGatewayFixture(() => ({ jwks: { refreshInterval: 30, cooldown: 1 } }));
});
afterEach(() => fixture.stop());

const statuses = async (calls: Promise<Response>[]) => (await Promise.all(calls)).map(({ status }) => status);
const pass = (seconds: number) => {
  fixture.clock.time += seconds * 1000;
};

/** Holds back the answers of the introspection endpoint until they are released. */
function holdIntrospection() {
  const held: (() => void)[] = [];
  fixture.authorizationServer.onIntrospection = (response: ServerResponse, token: string) => {
    // The answer is decided now, and sent later.
    const jwt = fixture.authorizationServer.active.get(token);
    held.push(() => {
      if (jwt === undefined) response.writeHead(204).end();
      else response.writeHead(200, { 'Content-Type': 'application/jwt', 'Cache-Control': 'max-age=300' }).end(jwt);
    });
  };
  return {
    release() {
      fixture.authorizationServer.onIntrospection = undefined;
      for (const answer of held) answer();
    },
    arrived: (count: number) => until(() => fixture.authorizationServer.introspections.length === count),
  };
}

describe('A JWT is cached', () => {
  test('for as long as max-age says', async () => {
    fixture.authorizationServer.maxAge = 20;
    const reference = await fixture.issueReference(api('phantom'));
    await fixture.call('/phantom', reference);
    pass(19);
    await fixture.call('/phantom', reference);
    pass(1);
    await fixture.call('/phantom', reference);
    expect(fixture.cacheLevels()).toEqual(['miss', 'hit', 'miss']);
    expect(fixture.authorizationServer.introspections).toHaveLength(2);
  });

  test('no longer than the configuration allows', async () => {
    fixture.authorizationServer.maxAge = 3600;
    const reference = await fixture.issueReference(api('phantom'));
    await fixture.call('/phantom', reference);
    pass(60);
    await fixture.call('/phantom', reference);
    expect(fixture.cacheLevels()).toEqual(['miss', 'miss']);
  });

  test('no longer than it is valid', async () => {
    const signature = await fixture.issueSplit(api('split'), { exp: Math.floor(fixture.clock.time / 1000) + 10 });
    expect((await fixture.call('/split', signature)).status).toBe(200);
    pass(10);
    expect((await fixture.call('/split', signature)).status).toBe(401);
    expect(fixture.cacheLevels()).toEqual(['miss', 'miss']);
    expect(fixture.upstream.seen).toHaveLength(1);
  });

  test.each([undefined, 'no-store', 'no-store, max-age=60', 'max-age=0', 'max-age=junk'])(
    'not at all when Cache-Control is %s',
    async (cacheControl) => {
      const reference = await fixture.issueReference(api('phantom'));
      fixture.authorizationServer.onIntrospection = (response, token) => {
        if (cacheControl !== undefined) response.setHeader('Cache-Control', cacheControl);
        response.setHeader('Content-Type', 'application/jwt; charset=utf-8');
        response.end(fixture.authorizationServer.active.get(token));
      };
      expect(await statuses([fixture.call('/phantom', reference)])).toEqual([200]);
      expect(await statuses([fixture.call('/phantom', reference)])).toEqual([200]);
      expect(fixture.cacheLevels()).toEqual(['miss', 'miss']);
    },
  );

  test('until its signing key leaves the JWKS', async () => {
    const tokens: [string, string][] = [
      ['/jwt', await fixture.authorizationServer.issue({ aud: api('jwt') })],
      ['/phantom', await fixture.issueReference(api('phantom'))],
      ['/split', await fixture.issueSplit(api('split'))],
    ];
    for (const [path, token] of tokens) expect((await fixture.call(path, token)).status).toBe(200);
    fixture.authorizationServer.keys = [await createSigningKey('key-2')];
    // At this age the next use refreshes the keys in the background.
    pass(30);
    await until(async () => (await fixture.call('/split', tokens[2]?.[1])).status === 401);
    fixture.authorizationServer.active.clear();
    for (const [path, token] of tokens) expect((await fixture.call(path, token)).status).toBe(401);
  });
});

describe('An inactive token', () => {
  test('is remembered for a short time', async () => {
    const reference = 'x'.repeat(43);
    for (const seconds of [0, 4, 1]) {
      pass(seconds);
      expect((await fixture.call('/phantom', reference)).status).toBe(401);
    }
    expect(fixture.cacheLevels()).toEqual(['miss', 'negative', 'miss']);
    expect(fixture.authorizationServer.introspections).toHaveLength(2);
  });

  test('of the split style is remembered too, and the store is not asked again', async () => {
    const signature = 'y'.repeat(86);
    expect(await statuses([fixture.call('/split', signature)])).toEqual([401]);
    expect(await statuses([fixture.call('/split', signature)])).toEqual([401]);
    expect(fixture.store.lookups).toBe(1);
  });

  test('is forgotten when there are too many others', async () => {
    for (let index = 0; index < 101; index += 1) await fixture.call('/split', String(index).padStart(86, 'z'));
    await fixture.call('/split', '0'.padStart(86, 'z'));
    expect(fixture.store.lookups).toBe(102);
  });

  test('is not assumed when the lookup fails', async () => {
    const signature = await fixture.issueSplit(api('split'));
    fixture.store.unavailable = true;
    expect((await fixture.call('/split', signature)).status).toBe(503);
    fixture.store.unavailable = false;
    expect((await fixture.call('/split', signature)).status).toBe(200);
  });
});

describe('The cache is bounded in bytes', () => {
  /** Calls the API with a token whose claims take some 10 KB. */
  async function useLarge(): Promise<string> {
    const reference = await fixture.issueReference(api('phantom'), { note: 'n'.repeat(2_000) });
    expect((await fixture.call('/phantom', reference)).status).toBe(200);
    return reference;
  }

  test('the least recently used token is evicted, long before the bound on entries', async () => {
    await fixture.stop();
    fixture = await startGatewayFixture(({ cache }) => ({ cache: { ...cache, maxBytes: 50_000 } }));
    const first = await useLarge();
    for (let index = 0; index < 10; index += 1) await useLarge();
    const last = await useLarge();
    await fixture.call('/phantom', last);
    await fixture.call('/phantom', first);
    expect(fixture.cacheLevels().slice(-2)).toEqual(['hit', 'miss']);
  });

  test('a token that is larger than the cache is served and not cached', async () => {
    await fixture.stop();
    fixture = await startGatewayFixture(({ cache }) => ({ cache: { ...cache, maxBytes: 5_000 } }));
    await fixture.call('/phantom', await useLarge());
    expect(fixture.cacheLevels()).toEqual(['miss', 'miss']);
  });

  test('the negative cache is bounded in bytes, too', async () => {
    await fixture.stop();
    const negative = { maxEntries: 1_000, maxBytes: 10_000, maxAge: 5 };
    fixture = await startGatewayFixture(({ cache }) => ({ cache: { ...cache, negative } }));
    for (let index = 0; index < 50; index += 1) await fixture.call('/split', String(index).padStart(86, 'z'));
    await fixture.call('/split', '49'.padStart(86, 'z'));
    await fixture.call('/split', '0'.padStart(86, 'z'));
    expect(fixture.cacheLevels().slice(-2)).toEqual(['negative', 'miss']);
  });
});

describe('Concurrent first uses of one token', () => {
  test('make one introspection', async () => {
    const reference = await fixture.issueReference(api('phantom'));
    const introspection = holdIntrospection();
    const calls = Array.from({ length: 1000 }, () => fixture.call('/phantom', reference));
    await introspection.arrived(1);
    introspection.release();
    expect(new Set(await statuses(calls))).toEqual(new Set([200]));
    expect(fixture.authorizationServer.introspections).toHaveLength(1);
    expect(fixture.upstream.seen).toHaveLength(1000);
  });

  test('are served when the first client disconnects', async () => {
    const reference = await fixture.issueReference(api('phantom'));
    const introspection = holdIntrospection();
    const impatient = new AbortController();
    const first = fixture.call('/phantom', reference, { signal: impatient.signal }).catch(() => 'gone');
    await introspection.arrived(1);
    const second = fixture.call('/phantom', reference);
    impatient.abort();
    expect(await first).toBe('gone');
    introspection.release();
    expect((await second).status).toBe(200);
    expect(fixture.authorizationServer.introspections).toHaveLength(1);
  });

  test('fail together, and the next request tries again', async () => {
    const reference = await fixture.issueReference(api('phantom'));
    fixture.authorizationServer.onIntrospection = (response) => response.writeHead(500).end();
    expect(await statuses([fixture.call('/phantom', reference), fixture.call('/phantom', reference)])).toEqual([
      503, 503,
    ]);
    fixture.authorizationServer.onIntrospection = undefined;
    expect((await fixture.call('/phantom', reference)).status).toBe(200);
  });
});

describe('A revocation', () => {
  test.each(['phantom', 'split'] as const)('removes a cached %s token at once', async (style) => {
    const token = await (style === 'split' ? fixture.issueSplit(api(style)) : fixture.issueReference(api(style)));
    expect((await fixture.call(`/${style}`, token)).status).toBe(200);
    fixture.authorizationServer.active.delete(token);
    fixture.store.revoke(token);
    expect((await fixture.call(`/${style}`, token)).status).toBe(401);
    expect(fixture.upstream.seen).toHaveLength(1);
  });

  test('of another token changes nothing', async () => {
    const token = await fixture.issueSplit(api('split'));
    await fixture.call('/split', token);
    fixture.store.revoke(await fixture.issueSplit(api('split')));
    await fixture.call('/split', token);
    expect(fixture.cacheLevels()).toEqual(['miss', 'hit']);
  });

  test('during an introspection fails the waiting requests, and later requests do not join it', async () => {
    const reference = await fixture.issueReference(api('phantom'));
    const introspection = holdIntrospection();
    const before = fixture.call('/phantom', reference);
    await introspection.arrived(1);
    fixture.authorizationServer.active.delete(reference);
    fixture.store.revoke(reference);
    const after = fixture.call('/phantom', reference);
    await introspection.arrived(2);
    introspection.release();
    expect(await statuses([before, after])).toEqual([401, 401]);
    expect((await fixture.call('/phantom', reference)).status).toBe(401);
    expect(fixture.upstream.seen).toEqual([]);
  });

  test('during a lookup in the store does the same', async () => {
    const signature = await fixture.issueSplit(api('split'));
    let release = () => {};
    fixture.store.delay = new Promise((resolve) => {
      release = resolve;
    });
    const before = fixture.call('/split', signature);
    await until(() => fixture.store.lookups === 1);
    fixture.store.revoke(signature);
    release();
    expect((await before).status).toBe(401);
    expect((await fixture.call('/split', signature)).status).toBe(401);
    expect(fixture.upstream.seen).toEqual([]);
  });
});

describe('While the feed is disconnected', () => {
  test('the cache is neither read nor written, and it is empty afterwards', async () => {
    const signature = await fixture.issueSplit(api('split'));
    await fixture.call('/split', signature);
    fixture.store.disconnect();
    await fixture.call('/split', signature);
    await fixture.call('/split', signature);
    fixture.store.connect();
    await fixture.call('/split', signature);
    await fixture.call('/split', signature);
    expect(fixture.cacheLevels()).toEqual(['miss', 'bypass', 'bypass', 'miss', 'hit']);
    expect(fixture.store.lookups).toBe(4);
  });

  test('a token that is revoked is refused at once', async () => {
    const reference = await fixture.issueReference(api('phantom'));
    await fixture.call('/phantom', reference);
    fixture.store.disconnect();
    fixture.authorizationServer.active.delete(reference);
    expect((await fixture.call('/phantom', reference)).status).toBe(401);
  });

  test('requests do not join a lookup that may have started before a revocation', async () => {
    fixture.store.disconnect();
    const reference = await fixture.issueReference(api('phantom'));
    const introspection = holdIntrospection();
    const calls = [fixture.call('/phantom', reference), fixture.call('/phantom', reference)];
    await introspection.arrived(2);
    introspection.release();
    expect(await statuses(calls)).toEqual([200, 200]);
    expect(fixture.authorizationServer.introspections).toHaveLength(2);
  });

  test.each(['disconnected and connected again', 'disconnected'])(
    'the result of an earlier lookup is not cached when the feed is %s during it',
    async (what) => {
      const reference = await fixture.issueReference(api('phantom'));
      const introspection = holdIntrospection();
      const first = fixture.call('/phantom', reference);
      await introspection.arrived(1);
      fixture.store.disconnect();
      if (what !== 'disconnected') fixture.store.connect();
      introspection.release();
      expect((await first).status).toBe(200);
      if (what === 'disconnected') fixture.store.connect();
      await fixture.call('/phantom', reference);
      expect(fixture.cacheLevels()).toEqual(['miss', 'miss']);
    },
  );

  test('a new request does not join a lookup that started before', async () => {
    const reference = await fixture.issueReference(api('phantom'));
    const introspection = holdIntrospection();
    const first = fixture.call('/phantom', reference);
    await introspection.arrived(1);
    fixture.store.disconnect();
    fixture.authorizationServer.active.delete(reference);
    const second = fixture.call('/phantom', reference);
    await introspection.arrived(2);
    introspection.release();
    expect(await statuses([first, second])).toEqual([200, 401]);
  });
});
