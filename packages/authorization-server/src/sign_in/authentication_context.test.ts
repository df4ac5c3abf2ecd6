import { expect, test } from '@jest/globals';
import { authenticationContext } from './authentication_context.ts';

const claims = (acr: unknown) => JSON.stringify({ id_token: { acr } });

test.each([
  ['the first class', {}, 'low'],
  ['the first class, if no requested class is supported', { acr_values: 'none other' }, 'low'],
  ['the first requested class that is supported', { acr_values: 'none high low' }, 'high'],
  ['the value of a claims request', { claims: claims({ essential: true, value: 'high' }) }, 'high'],
  ['one of the values of a claims request', { claims: claims({ values: ['none', 'high'] }) }, 'high'],
  ['the first class, if a claims request has no value', { claims: claims(null) }, 'low'],
  ['the first class, if the requested values are not a list', { claims: claims({ values: 5 }) }, 'low'],
  [
    'the first class, if the requested values are not strings',
    { claims: claims({ values: [{}, null, ['high']] }) },
    'low',
  ],
])('a sign-in has %s', (_what, params, acr) => {
  expect(authenticationContext(params, ['low', 'high'])).toEqual({ acr, amr: ['user'] });
});

test('a sign-in has no class if none is configured', () => {
  expect(authenticationContext({ acr_values: 'high' }, [])).toEqual({ amr: ['user'] });
});
