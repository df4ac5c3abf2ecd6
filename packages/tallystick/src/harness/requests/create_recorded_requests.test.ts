import { EventEmitter } from 'node:events';
import { expect, test } from '@jest/globals';
import { createRecordedRequests, type Exchange, type RequestRecorder } from './create_recorded_requests.ts';

/** Records a request, and lets it be answered. */
function record(requests: RequestRecorder, url: string, endpoint: Exchange['endpoint'] = 'token') {
  const response = Object.assign(new EventEmitter(), { statusCode: 200, headersSent: false, end() {} });
  const request = { method: 'GET', url, rawHeaders: ['Accept', '*/*', 'X-Own', 'mine'] };
  requests.record({ request, response, endpoint } as unknown as Exchange);
  return response;
}

test('a request is listed when its answer is complete, and once', () => {
  const requests = createRecordedRequests({ now: () => 0, mountPath: '' });
  const response = record(requests, '/token');
  expect(requests.list()).toEqual([]);
  response.end();
  response.emit('close');
  expect(requests.list()).toMatchObject([{ path: '/token', status: 200, time: '1970-01-01T00:00:00.000Z' }]);
});

test('what is not known to be harmless is redacted unless asked for', () => {
  const requests = createRecordedRequests({ now: () => 0, mountPath: '' });
  record(requests, '/interaction/aB3_xyz/login?code=c0de&scope=read&scope=write').end();
  expect(requests.list()).toMatchObject([
    {
      path: '/interaction/[redacted]/login',
      query: { code: '[redacted]', scope: ['read', 'write'] },
      headers: { accept: '*/*', 'x-own': '[redacted]' },
    },
  ]);
  expect(requests.list({ secrets: true })).toMatchObject([
    { path: '/interaction/aB3_xyz/login', query: { code: 'c0de' }, headers: { 'x-own': 'mine' } },
  ]);
});

test('a request is not taken apart before somebody reads it', () => {
  const real = URLSearchParams;
  let parsed = 0;
  globalThis.URLSearchParams = class extends real {
    constructor(...given: ConstructorParameters<typeof URLSearchParams>) {
      super(...given);
      parsed += 1;
    }
  };
  try {
    const requests = createRecordedRequests({ now: () => 0, mountPath: '' });
    for (let index = 0; index < 10; index++) record(requests, '/token?a=b').end();
    expect(parsed).toBe(0);
    expect(requests.list()).toHaveLength(10);
    expect(parsed).toBeGreaterThan(0);
  } finally {
    globalThis.URLSearchParams = real;
  }
});

test('a client names what it likes', () => {
  const requests = createRecordedRequests({ now: () => 0, mountPath: '' });
  record(requests, '/token?__proto__=a&constructor=b&__proto__=c').end();
  const [request] = requests.list({ secrets: true });
  expect(JSON.stringify(request?.query)).toBe('{"__proto__":["a","c"],"constructor":"b"}');
  expect(request?.query.toString).toBeUndefined();
  expect(JSON.stringify(requests.list()[0]?.query)).toBe('{"__proto__":"[redacted]","constructor":"[redacted]"}');
});

test('large requests leave less room for others', () => {
  const requests = createRecordedRequests({ now: () => 0, mountPath: '' });
  const size = 60_000;
  for (let index = 0; index < 200; index++) record(requests, `/token?max_age=${index}&x=${'x'.repeat(size)}`).end();
  const kept = requests.list();
  expect(kept.length).toBeGreaterThan(100);
  expect(kept.length * size).toBeLessThan(8 * 1024 * 1024);
  expect(kept.at(-1)?.query.max_age).toBe('199');
  requests.clear();
  record(requests, '/token').end();
  expect(requests.list()).toHaveLength(1);
});

test('the latest 500 are kept', () => {
  const requests = createRecordedRequests({ now: () => 0, mountPath: '' });
  for (let index = 0; index <= 500; index++) record(requests, `/token?max_age=${index}`).end();
  const kept = requests.list();
  expect(kept.length).toBe(500);
  expect(kept[0]?.query).toEqual({ max_age: '1' });
});

test('who waits gets the next that fits, and nobody else does', async () => {
  const requests = createRecordedRequests({ now: () => 0, mountPath: '' });
  const waiting = requests.next({ endpoint: 'jwks', wait: 60_000 });
  record(requests, '/token').end();
  record(requests, '/jwks', 'jwks').end();
  expect(await waiting).toMatchObject({ endpoint: 'jwks' });
  expect(requests.list()).toMatchObject([{ endpoint: 'token' }]);
});

test('who stops waiting takes nothing, and nobody waits for a server that stops', async () => {
  const requests = createRecordedRequests({ now: () => 0, mountPath: '' });
  const left = new AbortController();
  const leaving = requests.next({ wait: 60_000 }, left.signal);
  left.abort();
  expect(await leaving).toBeUndefined();
  const waiting = requests.next({ wait: 60_000 });
  requests.close();
  expect(await waiting).toBeUndefined();
  record(requests, '/token').end();
  expect(requests.list().length).toBe(1);
});

test('what was under way when the list was cleared is not listed after', () => {
  const requests = createRecordedRequests({ now: () => 0, mountPath: '' });
  const response = record(requests, '/token');
  requests.clear();
  response.end();
  expect(requests.list()).toEqual([]);
});
