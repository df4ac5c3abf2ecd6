import { expect, test } from '@jest/globals';
import { refusedClaim, refusedShape } from './refused_claims.ts';

const json = (text: string) => JSON.parse(text) as Record<string, unknown>;
const nested = (depth: number) => json(`{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`);

test.each([
  ['{"role": "auditor", "address": {"country": "NL", "lines": ["a", {"b": 1}]}}', undefined],
  ['{"a": {"sub": "b", "acr": "c"}}', undefined],
  ['{"acr": "high"}', ['acr']],
  ['{"role": "auditor", "nonce": 1}', ['nonce']],
  ['{"urn:openid:params:jwt:claim:auth_req_id": "x"}', ['urn:openid:params:jwt:claim:auth_req_id']],
  ['{"constructor": {}}', ['constructor']],
  ['{"__proto__": {}}', ['__proto__']],
  ['{"a": {"prototype": null}}', ['a', 'prototype']],
  ['{"a": [1, {"__proto__": {}}]}', ['a', 1, '__proto__']],
])('finds the refused claim in %s', (text, path) => {
  expect(refusedClaim(json(text))?.path).toEqual(path);
});

test('refuses claims that are nested too deeply', () => {
  expect(refusedShape(nested(15))).toBeUndefined();
  for (const depth of [20, 4_000]) expect(refusedClaim(nested(depth))).toEqual({ path: ['a'], reason: 'too deep' });
});
