import { expect, test } from '@jest/globals';
import { consentPage, errorPage, loginPage } from './pages.ts';

test('the login page offers every user as a button of one form and needs no script', () => {
  const page = loginPage('/interaction/1', 'Demo', [
    { id: 'alice', claims: { name: 'Alice Adams', email: 'alice@example.com' } },
    { id: 'bob', claims: {} },
  ]);
  expect(page).toContain('name="user" value="alice"');
  expect(page).toContain('name="user" value="bob"');
  expect(page).toContain('Alice Adams');
  expect(page).not.toContain('<script');
});

test('what comes from outside is escaped', () => {
  const attack = '"><script>alert(1)</script>';
  for (const page of [
    errorPage('invalid_request', attack),
    loginPage('/interaction/1', attack, []),
    consentPage('/interaction/1', attack, attack, [{ resource: attack, scopes: [attack] }]),
  ]) {
    expect(page).not.toContain('<script');
    expect(page).toContain('&#60;script');
  }
});
