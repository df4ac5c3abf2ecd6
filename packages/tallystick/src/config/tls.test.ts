import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { ConfigError } from './config_error.ts';
import { checkConfig } from './load_config.ts';

const DEMO = new URL('../../../../tallystick.config.yaml', import.meta.url);

const SELF_MADE = { issuer: 'https://localhost:4000', tls: { selfMade: true } };
const PKI = {
  id: 'bank',
  grants: ['client_credentials'],
  metadata: { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_san_dns: 'bank.example.com' },
};

function check(change: object, more: readonly object[] = []) {
  const demo = parse(readFileSync(DEMO, 'utf8')) as { clients: object[] };
  return checkConfig({ ...demo, ...change, clients: [...demo.clients, ...more] });
}

function problemsOf(change: object, more?: readonly object[]): readonly string[] {
  try {
    check(change, more);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('refuses TLS', () => {
  test.each<[string, object, RegExp]>([
    [
      'with an http issuer',
      { tls: { selfMade: true } },
      /^issuer: expected https, because .*; found "http:\/\/localhost:4000"$/,
    ],
    ['without the key', { ...SELF_MADE, tls: { certificate: 'cert.pem' } }, /^tls\.key: expected the key of/],
    ['without the certificate', { tls: { key: 'key.pem' } }, /^tls\.certificate: expected the certificate of/],
    [
      'with both a configured and a generated certificate',
      { ...SELF_MADE, tls: { certificate: 'cert.pem', key: 'key.pem', selfMade: true } },
      /^tls\.selfMade: expected false, because a certificate is given; found true$/,
    ],
    [
      'for an invalid host name',
      { ...SELF_MADE, tls: { selfMade: true, hosts: ['a b'] } },
      /^tls\.hosts\[0\]: expected a/,
    ],
    [
      'with client CAs while mutual TLS is disabled',
      { tls: { clientCa: 'ca.pem' } },
      /^tls\.clientCa: expected this only with/,
    ],
  ])('%s', (_how, change, problem) => {
    expect(problemsOf(change)).toEqual([expect.stringMatching(problem)]);
  });

  test('without client CAs for a client that authenticates with a certificate of a CA', () => {
    const change = { ...SELF_MADE, features: { mutualTls: true } };
    expect(problemsOf(change, [PKI])).toEqual([
      expect.stringMatching(/^tls\.clientCa: expected the CAs of the clients/),
    ]);
    expect(problemsOf({ ...change, tls: { selfMade: true, clientCa: 'ca.pem' } }, [PKI])).toEqual([]);
  });

  test('without repeating a key in the message', () => {
    expect(problemsOf({ tls: { key: 12 } }).join()).not.toContain('12');
  });
});

test('trusts a CA without a certificate for the servers', () => {
  expect(check({ tls: { ca: 'ca.pem' } }).tls).toMatchObject({ ca: 'ca.pem', selfMade: false });
});
