import { describe, expect, test } from '@jest/globals';
import { CONTENT_SECURITY_POLICY, textOfHtml } from '@tallystick/common/page';
import type { AccessTokenStyle } from '../config/config.ts';
import { requestsPage, userChoicePage } from './backchannel_pages.ts';
import { type ConsentRequest, consentPage } from './consent_page.ts';
import { deviceConnectedPage, userCodeConfirmPage, userCodePage } from './device_pages.ts';
import { errorPage } from './error_page.ts';
import { loginPage } from './pages.ts';

const NOTHING: ConsentRequest = { aboutUser: [], apis: [], offlineAccess: false, authorizationDetails: [] };

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
    consentPage('/interaction/1', attack, attack, {
      ...NOTHING,
      aboutUser: [{ name: attack, claims: [attack] }],
      apis: [{ resource: attack, scopes: [attack], claims: [attack], accessTokens: 'jwt' }],
      authorizationDetails: [{ type: attack, [attack]: [{ [attack]: attack }] }],
    }),
    userCodePage({ action: '/device', xsrf: '' }, attack),
    userCodePage({ action: '/device', xsrf: '' }, '', attack),
    userCodeConfirmPage({ action: '/device', xsrf: '' }, attack, attack),
    deviceConnectedPage(attack),
    userChoicePage({ action: '/ciba', xsrf: '' }, [{ id: attack, claims: { name: attack } }]),
    requestsPage(
      { action: '/ciba', xsrf: '' },
      {
        user: attack,
        endSession: '',
        problem: attack,
        pending: [pendingRequest(attack)],
        decided: [{ handle: attack, clientName: attack, bindingMessage: attack, decision: 'denied' }],
        justDecided: attack,
      },
    ),
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
  const aboutUser = [{ name: 'openid', claims: [] }];
  const without = textOfHtml(consentPage('/interaction/1', 'Orders', 'alice', { ...NOTHING, aboutUser }));
  expect(without).not.toContain('offline_access');
  const text = textOfHtml(
    consentPage('/interaction/1', 'Orders', 'alice', { ...NOTHING, aboutUser, offlineAccess: true }),
  );
  expect(text).toContain('While you are away offline_access stays connected without you');
});

test('the consent page lists the claims that the application learns', () => {
  const aboutUser = [
    { name: 'openid', claims: ['sub'] },
    { name: 'profile', claims: ['name', 'locale'] },
    { name: 'phone', claims: [] },
  ];
  const text = textOfHtml(consentPage('/interaction/1', 'Orders', 'alice', { ...NOTHING, aboutUser }));
  expect(text).toContain(
    'About you openid who you are: your identifier profile name, locale phone nothing that is known',
  );
});

test.each<[AccessTokenStyle, RegExp]>([
  ['jwt', /The application holds the same token \(a JWT\) and can read it/],
  ['opaque', /random reference, and the API asks this server/],
  ['phantom', /random reference and cannot read this. The API gets a JWT from the gateway/],
  ['split', /only the signature of the token and cannot read this. The API gets the whole JWT/],
])('the consent page says what an API with %s tokens learns, and who can read it', (accessTokens, meaning) => {
  const api = { resource: 'https://api.example.com/orders', scopes: ['read'], claims: ['email', 'role'], accessTokens };
  const text = textOfHtml(consentPage('/interaction/1', 'Orders', 'alice', { ...NOTHING, apis: [api] }));
  expect(text).toContain('At https://api.example.com/orders read what the application may do there');
  expect(text).toContain('The API learns your identifier, email, role.');
  expect(text).toMatch(meaning);
});

test('the consent page shows authorization details completely, as tables', () => {
  const payment = {
    type: 'payment_initiation',
    instructedAmount: { currency: 'EUR', amount: '123.50' },
    actions: ['initiate', 'status'],
    creditors: [{ name: 'Merchant A' }, { name: 'Merchant B' }],
    urgent: true,
    remittance: null,
    locations: [],
  };
  const page = consentPage('/interaction/1', 'Orders', 'alice', { ...NOTHING, authorizationDetails: [payment, {}] });
  expect(page).toContain('<caption>payment initiation</caption>');
  const rows = [...page.matchAll(/<tr><th scope="row">(.*?)<\/th><td>(.*?)<\/td><\/tr>/g)].map(([, ...cells]) => cells);
  expect(rows).toEqual([
    ['instructed amount › currency', 'EUR'],
    ['instructed amount › amount', '123.50'],
    ['actions', 'initiate, status'],
    ['creditors › 1 › name', 'Merchant A'],
    ['creditors › 2 › name', 'Merchant B'],
    ['urgent', 'true'],
    ['remittance', 'null'],
    ['locations', 'none'],
  ]);
  expect(textOfHtml(page)).toContain('authorization details no further details');
});

describe('a page with users', () => {
  const users = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      id: `user-${index}`,
      claims: { name: `Name ${index}`, email: `mail-${index}@example.com` },
    }));
  const shown = (page: string) => [...page.matchAll(/name="user" value="([^"]+)"/g)].map(([, id]) => id);
  const pages: [string, (count: number, search: string) => string][] = [
    ['login', (count, search) => loginPage('/interaction/1', 'Demo', users(count), { user: '', claims: '', search })],
    ['CIBA', (count, search) => userChoicePage({ action: '/ciba', xsrf: '' }, users(count), search)],
  ];

  test.each(pages)('has a search when there are more than eight: %s', (_what, page) => {
    expect(page(8, '')).not.toContain('role="search"');
    expect(page(9, '')).toMatch(/<form class="search" method="get" role="search">/);
    expect(shown(page(9, ''))).toHaveLength(9);
    expect(shown(page(8, 'user-1'))).toHaveLength(8);
  });

  test.each(pages)('finds users by identifier, name and email address: %s', (_what, page) => {
    expect(shown(page(12, 'USER-11'))).toEqual(['user-11']);
    expect(shown(page(12, ' name 7 '))).toEqual(['user-7']);
    expect(shown(page(12, 'mail-3@'))).toEqual(['user-3']);
    expect(textOfHtml(page(12, 'mail-1'))).toContain('3 of 12 users match “mail-1”.');
    expect(textOfHtml(page(12, 'nobody'))).toContain('None of the 12 users matches “nobody”.');
  });

  test.each(pages)('shows a bounded number of users: %s', (_what, page) => {
    expect(shown(page(1000, ''))).toHaveLength(50);
    expect(textOfHtml(page(1000, ''))).toContain('50 of 1000 users are shown.');
    expect(page(1000, 'x'.repeat(100_000)).length).toBeLessThan(20_000);
  });
});

test('the login page says once that it is a development sign-in', () => {
  expect(loginPage('/interaction/1', 'Demo', []).match(/development sign-in/gi)).toHaveLength(1);
});

test('a page has an icon in itself', () => {
  expect(deviceConnectedPage('TV')).toMatch(/<link rel="icon" href="data:image\/svg\+xml,[^"]+">/);
  expect(CONTENT_SECURITY_POLICY).toContain('img-src data:');
});
