import { describe, expect, test } from '@jest/globals';
import { requireScopes } from './require_scopes.ts';

describe('required scopes', () => {
  test('accept a token that has all of them', () => {
    expect(() => requireScopes({ scope: 'openid write read' }, ['read', 'write'])).not.toThrow();
  });

  test('accept any token when there are none', () => {
    expect(() => requireScopes({}, [])).not.toThrow();
  });

  test.each([['read'], ['readwrite'], ['READ WRITE'], [''], [undefined]])('refuse a token with scope %j', (scope) => {
    expect(() => requireScopes(scope === undefined ? {} : { scope }, ['read', 'write'])).toThrow(
      expect.objectContaining({ code: 'insufficient_scope', status: 403, scope: ['read', 'write'] }),
    );
  });

  test.each([['read'], ['admin other'], ['read admin']])(
    'accept a token with scope %j when one is sufficient',
    (scope) => {
      expect(() => requireScopes({ scope }, { anyOf: ['read', 'admin'] })).not.toThrow();
    },
  );

  test.each([['write'], ['readadmin'], [''], [undefined]])(
    'refuse a token with scope %j that has none of the alternatives, and name them all',
    (scope) => {
      expect(() => requireScopes(scope === undefined ? {} : { scope }, { anyOf: ['read', 'admin'] })).toThrow(
        expect.objectContaining({
          code: 'insufficient_scope',
          description: 'the request needs one of the scopes read admin',
          scope: ['read', 'admin'],
        }),
      );
    },
  );

  test('must both be satisfied when there are allOf and anyOf', () => {
    const both = { allOf: ['orders'], anyOf: ['read', 'admin'] };
    expect(() => requireScopes({ scope: 'admin orders' }, both)).not.toThrow();
    for (const scope of ['orders', 'read admin']) {
      expect(() => requireScopes({ scope }, both)).toThrow(
        expect.objectContaining({
          description: 'the request needs the scope orders and one of the scopes read admin',
          scope: ['orders', 'read', 'admin'],
        }),
      );
    }
  });
});
