import { expect, test } from '@jest/globals';
import { authenticationContext } from './authentication_context.ts';

const claims = (acr: unknown) => JSON.stringify({ id_token: { acr } });

test.each([
  ['the first', {}, 'low'],
  ['the first, if there is none of those asked for', { acr_values: 'none other' }, 'low'],
  ['the first of those asked for that there is', { acr_values: 'none high low' }, 'high'],
  ['the value that a claim asks for', { claims: claims({ essential: true, value: 'high' }) }, 'high'],
  ['one of the values that a claim asks for', { claims: claims({ values: ['none', 'high'] }) }, 'high'],
  ['the first, if a claim asks for any', { claims: claims(null) }, 'low'],
  ['the first, if the values are no list', { claims: claims({ values: 5 }) }, 'low'],
  ['the first, if the values are no classes', { claims: claims({ values: [{}, null, ['high']] }) }, 'low'],
])('a sign-in has %s', (_what, params, acr) => {
  expect(authenticationContext(params, ['low', 'high'])).toEqual({ acr, amr: ['user'] });
});

test('where there are no classes a sign-in has none', () => {
  expect(authenticationContext({ acr_values: 'high' }, [])).toEqual({ amr: ['user'] });
});
