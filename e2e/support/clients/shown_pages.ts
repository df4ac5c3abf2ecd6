import { createHash } from 'node:crypto';
import type { Page } from 'playwright-core';
import { resourceOf, type World } from '../worlds/world.ts';
import { demoBank, startBackchannel } from './backchannel.ts';
import { demoTv, startDevice } from './device.ts';

/** A page of the authorization server, and the steps of a user to it. The browser knows nothing before. */
export interface ShownPage {
  readonly heading: string | RegExp;
  open(page: Page, world: World): Promise<void>;
}

/** Where `demo-web` gets its codes. Nothing listens there. */
export const CALLBACK = 'http://localhost:4300/callback';

/** The authorization request of `demo-web`. */
export function authorizationUrl({ issuer }: World, more: Readonly<Record<string, string>> = {}): string {
  const query = new URLSearchParams({
    client_id: 'demo-web',
    response_type: 'code',
    redirect_uri: CALLBACK,
    scope: 'openid profile email read write offline_access',
    resource: resourceOf('phantom'),
    code_challenge: createHash('sha256').update('v'.repeat(43)).digest('base64url'),
    code_challenge_method: 'S256',
    ...more,
  });
  return `${issuer}/auth?${query}`;
}

const PAYMENT = {
  type: 'payment',
  instructedAmount: { currency: 'EUR', amount: '123.50' },
  creditorName: 'Merchant A',
  actions: ['initiate', 'status'],
};
const DETAILS = { authorization_details: JSON.stringify([PAYMENT]) };

const click = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).click();

async function enterCode(page: Page, world: World, code?: string) {
  const started = await startDevice(world, await demoTv(world), 'phantom');
  await page.goto(`${world.issuer}/device`);
  await page.getByLabel('Code').fill(code ?? started.user_code);
  await click(page, 'Continue');
}

async function signInAtPhone(page: Page, world: World, user: string) {
  await page.goto(`${world.issuer}/ciba`);
  await click(page, user);
}

async function signIn(page: Page, world: World, more: Readonly<Record<string, string>> = {}) {
  await page.goto(authorizationUrl(world, more));
  await click(page, 'Alice');
}

/** Each page once, with the configuration of the demo. */
export const SHOWN_PAGES: Readonly<Record<string, ShownPage>> = {
  'sign-in': {
    heading: 'Sign in',
    open: async (page, world) => void (await page.goto(authorizationUrl(world))),
  },
  'sign-in of a new user': {
    heading: 'Sign in',
    open: async (page, world) => void (await page.goto(authorizationUrl(world, { prompt: 'create' }))),
  },
  'sign-in with wrong claims': {
    heading: 'Sign in',
    async open(page, world) {
      await page.goto(authorizationUrl(world, { prompt: 'create' }));
      await page.getByLabel('User').fill('carol');
      await page.getByLabel('More claims').fill('role: auditor');
      await click(page, 'Sign in');
    },
  },
  consent: { heading: 'Allow Demo web application?', open: signIn },
  'consent to authorization details': {
    heading: 'Allow Demo web application?',
    open: (page, world) => signIn(page, world, { ...DETAILS, resource: resourceOf('split') }),
  },
  'code of a device': {
    heading: 'Connect a device',
    open: async (page, world) => void (await page.goto(`${world.issuer}/device`)),
  },
  'wrong code of a device': { heading: 'Connect a device', open: (page, world) => enterCode(page, world, 'WRNG-CODE') },
  'confirmation of a device': { heading: 'Connect Demo television?', open: (page, world) => enterCode(page, world) },
  'connected device': {
    heading: 'Device connected',
    async open(page, world) {
      await enterCode(page, world);
      await click(page, 'The code is the same');
      await click(page, 'Alice');
      await click(page, 'Allow');
    },
  },
  'phone without a user': {
    heading: 'Approve requests',
    open: async (page, world) => void (await page.goto(`${world.issuer}/ciba`)),
  },
  'phone without a request': {
    heading: 'Requests for bob',
    open: (page, world) => signInAtPhone(page, world, 'Bob'),
  },
  'phone with a request': {
    heading: 'Requests for alice',
    async open(page, world) {
      const request = { style: 'phantom', user: 'alice', message: 'Pay 123.50 EUR' } as const;
      await startBackchannel(world, await demoBank(world), request, { login_hint: 'alice', ...DETAILS });
      await signInAtPhone(page, world, 'Alice');
    },
  },
  'phone after a decision': {
    heading: 'Requests for alice',
    async open(page, world) {
      const request = { style: 'phantom', user: 'alice', message: 'Pay the rent' } as const;
      await startBackchannel(world, await demoBank(world), request);
      await signInAtPhone(page, world, 'Alice');
      await page.getByRole('button', { name: 'Deny' }).first().click();
    },
  },
  'sign-out': {
    heading: 'Sign out?',
    async open(page, world) {
      await signIn(page, world);
      await page.waitForURL(/interaction/);
      await page.goto(`${world.issuer}/session/end`);
    },
  },
  'after the sign-out': {
    heading: 'Signed out',
    open: async (page, world) => void (await page.goto(`${world.issuer}/session/end/success?client_id=demo-web`)),
  },
  'error of an unknown client': {
    heading: 'Unknown client',
    open: async (page, world) => void (await page.goto(authorizationUrl(world, { client_id: 'demo-wbe' }))),
  },
  'error of a wrong redirect URI': {
    heading: 'Wrong redirect URI',
    async open(page, world) {
      await page.goto(authorizationUrl(world, { redirect_uri: 'http://127.0.0.1:3000/other' }));
    },
  },
  'error of a sign-in that has ended': {
    heading: 'This sign-in has ended',
    open: async (page, world) => void (await page.goto(`${world.issuer}/interaction/over`)),
  },
  'error of a page that does not exist': {
    heading: 'Page not found',
    open: async (page, world) => void (await page.goto(`${world.issuer}/nothing`)),
  },
};
