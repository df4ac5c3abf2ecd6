import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { startForTest } from '@tallystick/testing/on_test_finished';
import { startTallystick } from 'tallystick';
import { requirement } from '../requirements/index.ts';
import { ROOT, runCommand } from '../support/worlds/run_command.ts';

const FILES = 50;

/** A tenant that no file changes, so that it refuses their tokens whatever they do to their own. */
const FOREIGN = 'foreign';

/** A test file of a stranger, which uses an instance of its own and a tenant of a shared one. */
const testFile = (index: number, shared: { readonly controlUrl: string; readonly gatewayUrl: string }) => `
import assert from 'node:assert/strict';
import test from 'node:test';
import { startTallystick } from 'tallystick';

const id = 'file-${index}';
const resource = 'https://orders.example';
const api = { resource, accessTokens: 'phantom', scopes: ['read'] };

test('an instance of its own', async () => {
  const tally = await startTallystick({
    log: { level: 'silent' },
    apis: [{ ...api, upstream: (request, response) => response.end(id) }],
    users: [{ id }],
  });
  assert.equal(await (await tally.fetch('/orders', { as: id })).text(), id);
  assert.equal(tally.calls.list().length, 1);
  assert.deepEqual(tally.users.list().map((user) => user.id), [id]);
  await tally.stop();
});

test('a tenant of a shared instance', async () => {
  const control = async (method, path, body) => {
    const answer = await fetch('${shared.controlUrl}' + path, {
      method,
      ...(body && { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
    });
    assert.ok(answer.ok, path + ': ' + answer.status);
    return answer.status === 204 ? undefined : answer.json();
  };
  const call = (tenant, path, token) =>
    fetch('${shared.gatewayUrl}/' + tenant + path, { headers: { Authorization: 'Bearer ' + token } });
  await control('POST', '/tenants', { id, apis: [api], users: [{ id }] });
  const { accessToken } = await control('POST', '/tokens?tenant=' + id, { user: id });
  assert.equal((await (await call(id, '/hello', accessToken)).json()).claims.sub, id);
  assert.equal((await call('${FOREIGN}', '/foreign', accessToken)).status, 401);
  await control('POST', '/faults?tenant=' + id, { faults: [{ at: 'gateway', status: 418 }] });
  assert.equal((await call(id, '/hello', accessToken)).status, 418);
  assert.equal((await control('GET', '/calls?tenant=' + id)).calls.length, 1);
  assert.equal((await control('GET', '/requests?path=/hello&tenant=' + id)).requests.length, 2);
  await control('DELETE', '/tenants/' + id);
});
`;

test(requirement('library-parallel'), async () => {
  const shared = await startForTest(
    startTallystick({
      log: { level: 'silent' },
      controlApi: { enabled: true },
      apis: [{ resource: 'https://orders.example', accessTokens: 'phantom', scopes: ['read'] }],
    }),
  );
  await shared.tenants.create({
    id: FOREIGN,
    apis: [{ resource: 'https://orders.example', accessTokens: 'phantom', scopes: ['read'] }],
  });
  const urls = { controlUrl: String(shared.controlUrl), gatewayUrl: shared.gatewayUrl };
  const folder = await mkdtemp(path.join(ROOT, 'e2e/example-'));
  try {
    const files = Array.from({ length: FILES }, (_, index) => path.join(folder, `file_${index}.test.mjs`));
    await Promise.all(files.map((file, index) => writeFile(file, testFile(index, urls))));
    const run = runCommand('node', ['--test', '--test-reporter=tap', '--test-concurrency=4', ...files]);
    const status = await run.exit;
    const failures = run
      .output()
      .split(/^(?=# Subtest)/m)
      .filter((part) => part.includes('\nnot ok'));
    expect([status, failures]).toEqual([0, []]);
    expect(run.output()).toContain(`# pass ${2 * FILES}`);
    expect(shared.tenants.list().map(({ id }) => id)).toEqual([FOREIGN]);
    expect(shared.tenants.get(FOREIGN).calls.list()).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
