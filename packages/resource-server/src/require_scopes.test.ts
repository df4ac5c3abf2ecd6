import { describe, expect, test } from '@jest/globals';
import { requireScopes } from './require_scopes.ts';

describe('required scopes', () => {
  test('let a token pass that has them all', () => {
    expect(() => requireScopes({ scope: 'openid write read' }, ['read', 'write'])).not.toThrow();
  });

  test('let any token pass when there are none', () => {
    expect(() => requireScopes({}, [])).not.toThrow();
  });

  test.each([['read'], ['readwrite'], ['READ WRITE'], [''], [undefined]])('refuse a token with scope %j', (scope) => {
    expect(() => requireScopes(scope === undefined ? {} : { scope }, ['read', 'write'])).toThrow(
      expect.objectContaining({ code: 'insufficient_scope', status: 403, scope: ['read', 'write'] }),
    );
  });
});
