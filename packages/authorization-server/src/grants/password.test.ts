import { expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { resourceOf, STYLES } from '../testing/test_server.ts';
import { client, startForTokenRequests } from '../testing/token_requests.ts';

const withPasswords = {
  insecurePasswordGrant: true,
  clients: [client({ id: 'legacy', grants: ['password'] })],
  users: [
    { id: 'alice', claims: { email: 'alice@example.com' }, password: 'correct horse' },
    { id: 'bob', claims: {} },
  ],
};
const request = { grant_type: 'password', username: 'alice', password: 'correct horse', resource: resourceOf('jwt') };

test.each(STYLES)('exchanges user name and password for a %s token', async (style) => {
  const server = await startForTokenRequests(() => withPasswords);
  const answer = await server.token('legacy', { ...request, resource: resourceOf(style), scope: 'read' });
  expect(answer).toMatchObject({ status: 200, scope: 'read', expires_in: 300 });
  const jwt = style === 'jwt' ? answer.access_token : await server.jwtOf(answer.access_token);
  expect(decodeJwt(jwt)).toMatchObject({ sub: 'alice', client_id: 'legacy', email: 'alice@example.com' });
});

test.each([
  ['a wrong password', { password: 'wrong' }, 'invalid_grant'],
  ['an unknown user', { username: 'mallory' }, 'invalid_grant'],
  ['a user without a password', { username: 'bob', password: 'undefined' }, 'invalid_grant'],
  ['no password', { password: '' }, 'invalid_request'],
  ['no user name', { username: '' }, 'invalid_request'],
  ['no API', { resource: '' }, 'invalid_target'],
  ['an unknown API', { resource: resourceOf('none') }, 'invalid_target'],
  ['an unknown scope', { scope: 'read admin' }, 'invalid_scope'],
])('%s is refused', async (_what, changed, error) => {
  const server = await startForTokenRequests(() => withPasswords);
  const answer = await server.token('legacy', { ...request, ...changed });
  expect(answer).toMatchObject({ status: 400, error });
  expect(JSON.stringify(answer)).not.toMatch(/mallory|correct horse/);
});

test('an unknown user and a wrong password get the same response', async () => {
  const server = await startForTokenRequests(() => withPasswords);
  expect(await server.token('legacy', { ...request, username: 'mallory' })).toEqual(
    await server.token('legacy', { ...request, password: 'wrong' }),
  );
});

test('logs a warning at start when enabled', async () => {
  const { warnings } = await startForTokenRequests(() => withPasswords);
  expect(warnings).toEqual([expect.stringContaining('insecurePasswordGrant')]);
});

test('is disabled by default', async () => {
  const server = await startForTokenRequests(() => ({
    clients: [client({ id: 'service', grants: ['client_credentials'] })],
  }));
  expect(server.warnings).toEqual([]);
  expect(await server.token('service', request)).toMatchObject({ status: 400, error: 'unsupported_grant_type' });
  const metadata = await (await fetch(`${server.config.issuer}/.well-known/openid-configuration`)).json();
  expect((metadata as { grant_types_supported: string[] }).grant_types_supported).not.toContain('password');
});
