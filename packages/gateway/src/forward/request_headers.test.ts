import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { defaultIdentityHeaders } from '../config/default_headers.ts';
import { createRequestHeaders, type RequestHeaderOptions, withUpgrade } from './request_headers.ts';

const facts = { host: 'api:8080', authorization: 'Bearer internal-jwt', clientHeld: 'client-held' };
const via = { appended: () => '1.1 gateway' };
const set = {
  host: 'api:8080',
  authorization: 'Bearer internal-jwt',
  'x-forwarded-for': '192.0.2.1',
  'x-forwarded-host': 'gateway.example.com',
  'x-forwarded-proto': 'http',
  via: '1.1 gateway',
};

function rewrite(headers: IncomingHttpHeaders, options: Partial<RequestHeaderOptions> = {}) {
  const request = { headers: { host: 'gateway.example.com', ...headers }, socket: { remoteAddress: '192.0.2.1' } };
  return createRequestHeaders({ via, identityHeaders: defaultIdentityHeaders, ...options })(
    request as unknown as IncomingMessage,
    facts,
  );
}

test('The client-held token is removed from every header', () => {
  const sent = { authorization: 'Bearer client-held', 'x-debug': 'token=client-held;', 'x-other': 'held' };
  expect(rewrite({ ...sent, 'proxy-authorization': 'Bearer another' })).toEqual({ ...set, 'x-other': 'held' });
});

describe('Identity headers', () => {
  test.each([
    'x-user',
    'x_user',
    'x-user-id',
    'x_user-id',
    'X_AUTH_REQUEST_EMAIL'.toLowerCase(),
    'x-jwt-assertion',
    'x-userinfo',
    'remote_user',
    'x-forwarded-user',
    'x-forwarded-access-token',
    'x-consumer-username',
    'x-goog-authenticated-user-email',
    'x-ms-client-principal-id',
    'x-ssl-client-s-dn',
    'dpop',
    'client-cert',
    'client_cert',
    'x.user',
    'x~user',
    'x!user',
    "x'user`id",
    'x^client.cert|a',
    'x-amzn-mtls-clientcert',
    'x-client-verify',
    'x-tls-client-cert',
    'x-client-dn',
    'x-ssl-cert',
    'x-hasura-role',
    'x-role',
    'x-scopes',
    'x-tenant-id',
    'x-userid',
    'x-principal',
    'x-subject',
    'shib-session-id',
    'mellon-nameid',
    'x-serverless-authorization',
  ])('removes %s of a client', (name) => {
    expect(rewrite({ [name]: 'alice' })).toEqual(set);
  });

  test.each(['x-username-hint', 'x-request-id', 'accept-user', 'user-agent', 'cookie'])('keeps %s', (name) => {
    expect(rewrite({ [name]: 'value' })).toEqual({ ...set, [name]: 'value' });
  });

  test('the configured headers replace the default ones', () => {
    const sent = { 'x-user': 'a', 'acme-identity': 'b', acme_identity: 'c', 'acme-other': 'd' };
    expect(rewrite(sent, { identityHeaders: ['Acme-Identity'] })).toEqual({ ...set, 'x-user': 'a', 'acme-other': 'd' });
  });
});

test.each([
  'proxy_authorization',
  'proxy.authorization',
  'keep_alive',
  'http2_settings',
  'content.length',
  'transfer~encoding',
])('removes %s, which APIs may read as its folded name', (name) => {
  expect(rewrite({ [name]: 'chunked' })).toEqual(set);
});

test('Names beyond the memoized ones are checked too', () => {
  const headers = createRequestHeaders({ via, identityHeaders: defaultIdentityHeaders });
  const ask = (name: string) =>
    headers({ headers: { [name]: 'a' }, socket: {} } as unknown as IncomingMessage, facts)[name];
  for (let index = 0; index < 600; index += 1) expect(ask(`x-made-up-${index}`)).toBe('a');
  expect([ask('x.user'), ask('x-made-up-1'), ask('x-made-up')]).toEqual([undefined, 'a', 'a']);
});

test('The header of the client certificate is removed, whatever identity headers are configured', () => {
  const options = { identityHeaders: [], certificateHeader: 'acme-certificate' };
  expect(rewrite({ 'acme-certificate': 'a', acme_certificate: 'b' }, options)).toEqual(set);
});

test.each(['client-cert', 'client_cert', 'client-cert-chain'])(
  'removes %s of a client, which the gateway sets itself, whatever identity headers are configured',
  (name) => {
    expect(rewrite({ [name]: ':forged:' }, { identityHeaders: [], certificateHeader: 'x-ssl-cert' })).toEqual(set);
  },
);

test('The API gets the proof if it checks proofs itself', () => {
  const request = { headers: { dpop: 'sent' }, socket: {} } as unknown as IncomingMessage;
  const headers = createRequestHeaders({ via, identityHeaders: [] })(request, { ...facts, dpop: 'checked' });
  expect(headers.dpop).toBe('checked');
});

describe('The origin of a request', () => {
  test('is passed on from a trusted proxy, with the address of the proxy', () => {
    const sent = { 'x-forwarded-for': '198.51.100.7', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'api.example' };
    const options = { isTrustedProxy: () => true, publicOrigin: () => 'https://api.example' };
    expect(rewrite(sent, options)).toEqual({ ...set, ...sent, 'x-forwarded-for': '198.51.100.7, 192.0.2.1' });
    expect(rewrite(sent, { ...options, isTrustedProxy: () => false })).toEqual(set);
  });

  test.each([
    'forwarded',
    'x-forwarded',
    'x-forwarded-for',
    'x_forwarded_for',
    'x-forwarded-port',
    'x-forwarded-prefix',
    'x-original-url',
    'x-originating-url',
    'x-rewrite-url',
    'x.rewrite.url',
    'x-envoy-original-path',
    'x-middleware-subrequest',
    'x-http-method-override',
    'proxy',
    'content_length',
    'transfer_encoding',
  ])('cannot be set by a client with %s', (name) => {
    expect(rewrite({ [name]: 'forged' })).toEqual(set);
  });

  test('is publicUrl if it is configured', () => {
    expect(rewrite({ host: 'forged.example.com' }, { publicUrl: 'https://gateway.example.com' })).toEqual({
      ...set,
      'x-forwarded-proto': 'https',
    });
  });

  test('is passed on when Connection names its headers', () => {
    const connection = 'close, host, authorization, x-forwarded-for, x-forwarded-proto, x-forwarded-host';
    expect(rewrite({ connection })).toEqual(set);
  });
});

describe('A request to upgrade', () => {
  test('keeps its headers', () => {
    const sent = { connection: 'keep-alive, Upgrade', upgrade: 'WebSocket', 'sec-websocket-key': 'key' };
    expect(withUpgrade(rewrite(sent))).toEqual({
      ...set,
      'sec-websocket-key': 'key',
      connection: 'Upgrade',
      upgrade: 'websocket',
    });
  });

  test.each([{ 'content-length': '1' }, { 'transfer-encoding': 'chunked' }])('must not have a body: %j', (headers) => {
    expect(() => withUpgrade(rewrite(headers))).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });
});
