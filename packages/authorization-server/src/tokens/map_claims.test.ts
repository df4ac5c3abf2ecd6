import { expect, test } from '@jest/globals';
import { mapClaims } from './map_claims.ts';

const source = {
  user: {
    id: 'alice',
    email: 'alice@example.com',
    address: { country: 'SE' },
    groups: ['a', 'b'],
    'https://x.example/y': 1,
  },
  client: { id: 'web', tier: 'gold' },
};

test('a name selects a claim of the user', () => {
  expect(mapClaims(['email', 'groups', 'https://x.example/y', 'nothing'], source)).toEqual({
    email: 'alice@example.com',
    groups: ['a', 'b'],
    'https://x.example/y': 1,
  });
});

test('a JSON pointer selects data of user and client', () => {
  const wanted = {
    country: '/user/address/country',
    first: '/user/groups/0',
    tier: '/client/tier',
    none: '/client/none/at/all',
  };
  expect(mapClaims(wanted, source)).toEqual({ country: 'SE', first: 'a', tier: 'gold' });
});

test('inherited properties are never claims', () => {
  expect(
    mapClaims(
      {
        a: '/user/constructor',
        b: '/user/__proto__',
        c: '/user/toString/name',
        d: '/user/groups/__proto__',
        e: '/user/groups/map',
      },
      source,
    ),
  ).toEqual({});
  expect(mapClaims(['constructor', '__proto__'], source)).toEqual({});
});

test('a token without a user has the claims of the client only', () => {
  expect(mapClaims({ email: '/user/email', tier: '/client/tier' }, { ...source, user: undefined })).toEqual({
    tier: 'gold',
  });
});
