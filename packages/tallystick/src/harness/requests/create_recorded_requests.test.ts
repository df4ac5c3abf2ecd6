import { EventEmitter } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { type AnsweredRequest, createRecordedRequests, type RequestRecorder } from './create_recorded_requests.ts';

/** Records a request and returns its response. */
function record(requests: RequestRecorder, url: string, endpoint: AnsweredRequest['endpoint'] = 'token') {
  const response = Object.assign(new EventEmitter(), { statusCode: 200, headersSent: false, end() {} });
  const request = { method: 'GET', url, rawHeaders: ['Accept', '*/*', 'X-Own', 'mine'] };
  requests.record({
    request,
    response,
    endpoint,
    server: 'authorization-server',
    bodySoFar: () => undefined,
  } as unknown as AnsweredRequest);
  return response;
}

test('lists a request once, when its answer is complete', () => {
  const requests = createRecordedRequests({ now: () => 0, mountPath: '' });
  const response = record(requests, '/token');
  expect(requests.list()).toEqual([]);
  response.end();
  response.emit('close');
  expect(requests.list()).toMatchObject([{ path: '/token', status: 200, time: '1970-01-01T00:00:00.000Z' }]);
});

test('redacts every value that is not known to be harmless, unless secrets are requested', () => {
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

test('does not parse a request before it is read', () => {
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

test('accepts __proto__ and constructor as parameter names', () => {
  const requests = createRecordedRequests({ now: () => 0, mountPath: '' });
  record(requests, '/token?__proto__=a&constructor=b&__proto__=c').end();
  const [request] = requests.list({ secrets: true });
  expect(JSON.stringify(request?.query)).toBe('{"__proto__":["a","c"],"constructor":"b"}');
  expect(request?.query.toString).toBeUndefined();
  expect(JSON.stringify(requests.list()[0]?.query)).toBe('{"__proto__":"[redacted]","constructor":"[redacted]"}');
});

test('keeps fewer requests if they are large', () => {
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

test('keeps the latest 500 requests', () => {
  const requests = createRecordedRequests({ now: () => 0, mountPath: '' });
  for (let index = 0; index <= 500; index++) record(requests, `/token?max_age=${index}`).end();
  const kept = requests.list();
  expect(kept.length).toBe(500);
  expect(kept[0]?.query).toEqual({ max_age: '1' });
});

test('a waiting caller takes the next matching request out of the list', async () => {
  const requests = createRecordedRequests({ now: () => 0, mountPath: '' });
  const waiting = requests.takeNext({ endpoint: 'jwks', timeout: 60_000 });
  record(requests, '/token').end();
  record(requests, '/jwks', 'jwks').end();
  expect(await waiting).toMatchObject({ endpoint: 'jwks' });
  expect(requests.list()).toMatchObject([{ endpoint: 'token' }]);
});

test('a caller that disconnects takes nothing, and close ends every wait', async () => {
  const requests = createRecordedRequests({ now: () => 0, mountPath: '' });
  const left = new AbortController();
  const leaving = requests.takeNext({ timeout: 60_000 }, left.signal);
  left.abort();
  expect(await leaving).toBeUndefined();
  const waiting = requests.takeNext({ timeout: 60_000 });
  requests.close();
  expect(await waiting).toBeUndefined();
  record(requests, '/token').end();
  expect(requests.list().length).toBe(1);
});

test('does not list a request that arrived before the list was cleared', () => {
  const requests = createRecordedRequests({ now: () => 0, mountPath: '' });
  const response = record(requests, '/token');
  requests.clear();
  response.end();
  expect(requests.list()).toEqual([]);
});

describe('a body of JSON', () => {
  const recorded = (json: string, endpoint: AnsweredRequest['endpoint'] = 'token') => {
    const requests = createRecordedRequests({ now: () => 0, mountPath: '' });
    const response = Object.assign(new EventEmitter(), { statusCode: 200, headersSent: false, end() {} });
    const request = { method: 'POST', url: '/token', rawHeaders: ['Content-Type', 'application/json; charset=utf-8'] };
    const bodySoFar = () => Buffer.from(json);
    const answered = { request, response, endpoint, server: 'authorization-server', bodySoFar };
    requests.record(answered as unknown as AnsweredRequest);
    response.end();
    return requests;
  };

  test('is recorded as the parameters of a form, with secrets redacted', () => {
    const body = { client_id: 'app', client_secret: 'hush', scope: ['a', 'b'], max_age: 5 };
    const requests = recorded(JSON.stringify(body));
    const form = { client_id: 'app', client_secret: '[redacted]', scope: ['a', 'b'], max_age: '5' };
    expect(requests.list()).toMatchObject([{ clientId: 'app', form }]);
    expect(JSON.stringify(requests.list())).not.toContain('hush');
    expect(requests.list({ secrets: true })).toMatchObject([{ form: { ...form, client_secret: 'hush' } }]);
  });

  test.each(['[1]', '"hush"', 'null', '{"scope":', ''])(
    'without parameters (%s) is recorded without a form',
    (json) => {
      expect(recorded(json).list({ secrets: true })[0]).not.toHaveProperty('form');
    },
  );

  test('may have parameters with the names of inherited properties, and values that are objects', () => {
    const [request] = recorded('{"__proto__":"a","constructor":{"b":null}}').list({ secrets: true });
    expect(JSON.stringify(request?.form)).toBe('{"__proto__":"a","constructor":"{\\"b\\":null}"}');
  });

  test('is not a form at the endpoint where clients register', () => {
    expect(recorded('{"client_name":"App"}', 'registration').list()[0]).not.toHaveProperty('form');
  });
});
