import { expect, test } from '@jest/globals';
import { StoreUnavailableError } from '@tallystick/token-store';
import { describeProblem } from './control_error.ts';

const authorizationServerError = Object.assign(new Error('temporarily_unavailable'), {
  statusCode: 503,
  error_description: 'the keys of the trusted issuer are not available; try again shortly',
});

test.each([
  ['the token store', new StoreUnavailableError('down'), 'the token store is not available; try again shortly'],
  [
    'the authorization server',
    authorizationServerError,
    'the keys of the trusted issuer are not available; try again shortly',
  ],
])('a 503 names its cause: %s', (_source, error, description) => {
  expect(describeProblem(error)).toEqual({
    status: 503,
    body: { error: 'temporarily_unavailable', error_description: description },
  });
});
