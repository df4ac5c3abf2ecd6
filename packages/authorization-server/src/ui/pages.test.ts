import { expect, test } from '@jest/globals';
import { pendingRequestsPage, userChoicePage } from './backchannel_pages.ts';
import { deviceConnectedPage, userCodeConfirmPage, userCodePage } from './device_pages.ts';
import { errorPage } from './error_page.ts';
import { consentPage, loginPage } from './pages.ts';

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

test('every page escapes its input', () => {
  const attack = '"><script>alert(1)</script>';
  for (const page of [
    errorPage(
      { error: 'invalid_request', error_description: attack },
      { title: attack, explanation: attack, sent: [{ name: attack, value: attack }], next: attack },
      { configured: { label: attack, values: [attack] }, suggestion: attack, hint: attack, configuration: attack },
    ),
    loginPage('/interaction/1', attack, []),
    consentPage('/interaction/1', attack, attack, [{ resource: attack, scopes: [attack] }], [{ type: attack }]),
    userCodePage({ action: '/device', xsrf: '' }, attack),
    userCodePage({ action: '/device', xsrf: '' }, '', attack),
    userCodeConfirmPage({ action: '/device', xsrf: '' }, attack, attack),
    deviceConnectedPage(attack),
    userChoicePage({ action: '/ciba', xsrf: '' }, [{ id: attack, claims: { name: attack } }]),
    pendingRequestsPage({ action: '/ciba', xsrf: '' }, { user: attack, endSession: '' }, [pendingRequest(attack)]),
  ]) {
    expect(page).not.toContain('<script');
    expect(page).toContain('&#60;script');
  }
});

function pendingRequest(text: string) {
  const resources = [text];
  const details = { handle: text, clientId: text, bindingMessage: text, authorizationDetails: [{ type: text }] };
  return { ...details, clientName: text, scopes: [text], resources };
}

test('the page of prompt=create has the form for another user open', () => {
  expect(loginPage('/interaction/1', 'Orders', [], { user: '', claims: '', isNew: true })).toContain('<details open>');
  expect(loginPage('/interaction/1', 'Orders', [])).not.toContain('<details open>');
});

test('the consent page says in its own words what offline_access is for', () => {
  const items = (scopes: string[]) =>
    consentPage('/interaction/1', 'Orders', 'alice', [{ scopes }]).match(/<li>.*<\/li>/g);
  const aboutUser = '<li><strong>openid, email</strong> to know who you are</li>';
  expect(items(['openid', 'email'])).toEqual([aboutUser]);
  expect(items(['openid', 'offline_access', 'email'])?.join('')).toBe(
    `${aboutUser}<li><strong>offline_access</strong> to stay connected while you are away</li>`,
  );
});
