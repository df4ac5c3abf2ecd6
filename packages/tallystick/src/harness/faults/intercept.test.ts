import type { RequestListener } from 'node:http';
import { expect, test } from '@jest/globals';
import { openConnection } from '@tallystick/testing/raw_client';
import { serve } from '@tallystick/testing/serve';
import { createClock } from '../clock/create_clock.ts';
import { createRecordedRequests } from '../requests/create_recorded_requests.ts';
import { createFaults } from './faults.ts';
import { intercept } from './intercept.ts';
import { createScriptedAnswers } from './scripted_answers.ts';

/** Answers with what it read. */
const echo: RequestListener = async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify({ read: Buffer.concat(chunks).toString() }));
};

async function start(handler: RequestListener = echo) {
  const clock = createClock({ movable: true });
  const interception = {
    clock,
    faults: createFaults(),
    scriptedAnswers: createScriptedAnswers(),
    requests: createRecordedRequests({ now: clock.now, mountPath: '' }),
    mountPath: '',
  };
  const { port, origin: url } = await serve(intercept(handler, { ...interception, log: { error() {} } }));
  return { ...interception, port, url };
}

const post = (url: string, body: string) =>
  fetch(url, { method: 'POST', body, headers: { 'Content-Type': 'application/x-www-form-urlencoded' } });

test.each([
  ['an empty body', ''],
  ['a small form', 'client_id=one&a=1'],
  ['a form of many chunks', `client_id=one&a=${'x'.repeat(50_000)}`],
  ['a form larger than the limit', `client_id=one&a=${'x'.repeat(500_000)}`],
])('the handler reads the body although it was read before: %s', async (_what, form) => {
  const { url } = await start();
  expect(await (await post(`${url}/token`, form)).json()).toEqual({ read: form });
});

test('the handler reads a body whose chunks arrive one by one', async () => {
  const { port, requests } = await start();
  const client = await openConnection(port);
  const head = 'POST /token HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n';
  await client.write(`${head}Content-Type: application/x-www-form-urlencoded\r\n\r\n`);
  await client.write('6\r\nclient\r\n');
  await new Promise((resolve) => setImmediate(resolve));
  await client.write('6\r\n_id=on\r\n1\r\ne\r\n');
  await client.write('0\r\n\r\n');
  expect(await client.closed()).toContain('{"read":"client_id=one"}');
  expect(requests.list()).toMatchObject([{ clientId: 'one', form: { client_id: 'one' } }]);
});

test('a malformed body is the first half, with the right Content-Length', async () => {
  const { url, faults } = await start();
  faults.add({ endpoint: 'jwks', body: 'malformed' });
  const answer = await fetch(`${url}/jwks`);
  expect(await answer.text()).toBe('{"read');
  expect(answer.headers.get('content-type')).toBe('application/json');
});

test('an answer without a body gets a malformed one', async () => {
  const { url, faults } = await start((_request, response) => response.writeHead(204).end());
  faults.add({ endpoint: 'introspection', body: 'malformed' });
  expect(await (await fetch(`${url}/token/introspection`)).text()).not.toBe('');
});

test('a delayed call continues when the faults are cleared', async () => {
  const { url, faults } = await start();
  faults.add({ endpoint: 'jwks', delay: 600_000, calls: 1 });
  const answer = fetch(`${url}/jwks`);
  while (faults.list().length > 0) await new Promise((resolve) => setImmediate(resolve));
  faults.clear();
  expect((await answer).status).toBe(200);
});

test('a handler sees the moved clock, and the rest of the process does not', async () => {
  const { url, clock } = await start((_request, response) => {
    setImmediate(() => response.end(String(Date.now())));
  });
  clock.set(new Date('2038-01-19T03:14:08Z'));
  const answered = Number(await (await fetch(url)).text());
  expect(new Date(answered).getUTCFullYear()).toBe(2038);
  expect(new Date(Date.now()).getUTCFullYear()).not.toBe(2038);
  clock.reset();
});
