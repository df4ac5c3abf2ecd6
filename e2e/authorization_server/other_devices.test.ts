import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { createBrowser, open, submit } from '@tallystick/testing/sign_in';
import * as oidc from 'openid-client';
import { requirement } from '../requirements/index.ts';
import { decide, demoBank, pollBackchannel, startBackchannel } from '../support/clients/backchannel.ts';
import { call, issuedClaims } from '../support/clients/clients.ts';
import { connectDevice, demoTv, pollDevice, startDevice } from '../support/clients/device.ts';
import { inBothWorlds } from '../support/worlds/both_worlds.ts';
import { STYLES } from '../support/worlds/world.ts';

const PAYMENT = { type: 'payment', actions: ['initiate'] };

inBothWorlds((world) => {
  test(requirement('device-flow'), async () => {
    const client = await demoTv(world());
    const started = await startDevice(world(), client, 'split');
    expect(started).toMatchObject({ verification_uri: `${world().issuer}/device`, interval: 5 });
    expect(await connectDevice(world(), started)).toContain('Device connected');
    const tokens = await pollDevice(world(), client, started);
    expect((await call(world().gateways[0], 'split', tokens.access_token)).status).toBe(200);
    expect(tokens.claims()?.sub).toBe('alice');
    expect(await issuedClaims(world(), 'split', tokens.access_token)).toMatchObject({
      auth_time: expect.any(Number),
      acr: 'urn:tallystick:acr:low',
    });
  });

  test(requirement('device-flow', 'the page has the code filled in and no script'), async () => {
    const started = await startDevice(world(), await demoTv(world()), 'jwt');
    const page = await open(createBrowser(world()), String(started.verification_uri_complete));
    expect(page.text).toContain(`value="${started.user_code}"`);
    expect(page.text).not.toMatch(/<script|onfocus/);
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
  });

  test(requirement('device-flow', 'once'), async () => {
    const client = await demoTv(world());
    const started = await startDevice(world(), client, 'phantom');
    await connectDevice(world(), started);
    const tokens = await pollDevice(world(), client, started);
    await expect(pollDevice(world(), client, started)).rejects.toMatchObject({ error: 'invalid_grant' });
    expect((await call(world().gateways[0], 'phantom', tokens.access_token)).status).toBe(401);
  });

  test.each([
    ['a form', 'POST', '/device'],
    ['the way back from a sign-in', 'GET', '/device/anything'],
  ] as const)(requirement('device-flow', '%s without a session'), async (_what, method, path) => {
    const ask = () => fetch(world().issuer + path, { method, headers: { Cookie: '_session=unknown' } });
    const answers = [await ask(), await ask()];
    expect(answers.map(({ status }) => status)).toEqual([400, 400]);
    for (const answer of answers) {
      expect(answer.headers.get('set-cookie')).toBeNull();
      expect(await answer.text()).toContain('Open the page again');
    }
  });

  test(requirement('device-flow', 'cancelled, pending, unknown'), async () => {
    const client = await demoTv(world());
    const started = await startDevice(world(), client, 'phantom');
    const redeem = (device_code: string) =>
      oidc.genericGrantRequest(client, 'urn:ietf:params:oauth:grant-type:device_code', { device_code });
    await expect(redeem(started.device_code)).rejects.toMatchObject({ error: 'authorization_pending', status: 400 });
    const browser = createBrowser(world());
    const wrong = await submit(browser, (await browser.get('/device')).text, { user_code: 'WRONGONE' });
    expect(wrong.text).toContain('This code is unknown');
    const confirm = await submit(browser, wrong.text, { user_code: started.user_code.toLowerCase() });
    const cancelled = await submit(browser, confirm.text.slice(confirm.text.lastIndexOf('<form')));
    expect(cancelled.text).toContain('Cancelled');
    await expect(redeem(started.device_code)).rejects.toMatchObject({ error: 'access_denied', status: 400 });
    await expect(redeem('A'.repeat(43))).rejects.toMatchObject({ error: 'invalid_grant', status: 400 });
  });

  test(requirement('slow-down'), async () => {
    const client = await demoTv(world());
    const { device_code } = await startDevice(world(), client, 'phantom');
    const poll = () =>
      oidc.genericGrantRequest(client, 'urn:ietf:params:oauth:grant-type:device_code', { device_code });
    await expect(poll()).rejects.toMatchObject({ error: 'authorization_pending', status: 400 });
    await expect(poll()).rejects.toMatchObject({ error: 'slow_down', status: 400 });
  });

  test(requirement('backchannel-authentication'), async () => {
    const client = await demoBank(world());
    const request = { style: 'phantom', user: 'alice', message: 'Pay 12.50 to Bob' } as const;
    const started = await startBackchannel(world(), client, request);
    expect(started.interval).toBe(5);
    const page = await decide(world(), { ...request, decision: 'approve' });
    expect(page).toContain('You approved the request of Demo bank.');
    expect(page).toContain('There are no pending requests.');
    const tokens = await pollBackchannel(world(), client, started);
    expect((await call(world().gateways[0], 'phantom', tokens.access_token)).status).toBe(200);
    expect(await issuedClaims(world(), 'phantom', tokens.access_token)).toMatchObject({
      sub: 'alice',
      auth_time: expect.any(Number),
      acr: 'urn:tallystick:acr:low',
    });
    await expect(pollBackchannel(world(), client, started)).rejects.toMatchObject({ error: 'invalid_grant' });
  });

  test(requirement('backchannel-authentication', 'denied'), async () => {
    const client = await demoBank(world());
    const request = { style: 'jwt', user: 'bob', message: 'Sign in at once' } as const;
    const started = await startBackchannel(world(), client, request);
    await decide(world(), { ...request, decision: 'deny' });
    await expect(pollBackchannel(world(), client, started)).rejects.toMatchObject({ error: 'access_denied' });
  });

  test(requirement('backchannel-authentication', 'a user known by an ID token'), async () => {
    const client = await demoBank(world());
    const request = { style: 'split', user: 'bob', message: 'Do you know me' } as const;
    const first = await startBackchannel(world(), client, request);
    await decide(world(), { ...request, decision: 'approve' });
    const { id_token: idToken } = await pollBackchannel(world(), client, first);
    const again = { ...request, message: 'Me again' };
    const second = await startBackchannel(world(), client, again, { id_token_hint: String(idToken) });
    await decide(world(), { ...again, decision: 'approve' });
    expect((await pollBackchannel(world(), client, second)).claims()?.sub).toBe('bob');
  });

  test.each(STYLES)(requirement('authorization-details', 'device code and CIBA, %s'), async (style) => {
    const parameters = { authorization_details: JSON.stringify([PAYMENT]) };
    const tv = await demoTv(world());
    const device = await startDevice(world(), tv, style, parameters);
    await connectDevice(world(), device);
    const bank = await demoBank(world());
    const request = { style, user: 'alice', message: `pay ${style}` };
    const started = await startBackchannel(world(), bank, request, { ...parameters, login_hint: 'alice' });
    await decide(world(), { ...request, decision: 'approve' });
    for (const tokens of [await pollDevice(world(), tv, device), await pollBackchannel(world(), bank, started)]) {
      expect((await issuedClaims(world(), style, tokens.access_token)).authorization_details).toEqual([PAYMENT]);
    }
  });

  test.each([
    ['no user', {}, 'invalid_request'],
    ['an unknown user', { login_hint: 'nobody' }, 'unknown_user_id'],
    ['a token instead of a user', { login_hint_token: 'x' }, 'invalid_request'],
    ['a user code', { login_hint: 'alice', user_code: '1' }, 'invalid_request'],
    ['a message that is a page', { login_hint: 'alice', binding_message: '<b>' }, 'invalid_binding_message'],
  ])(requirement('backchannel-authentication', 'refused: %s'), async (_what, parameters, error) => {
    const request = oidc.initiateBackchannelAuthentication(await demoBank(world()), { scope: 'openid', ...parameters });
    await expect(request).rejects.toMatchObject({ error, status: 400 });
  });

  test.each([
    [{ user: 'nobody', request: 'x', decision: 'approve' }],
    [{ user: 'alice', request: 'x', decision: 'approve' }],
    [{ user: 'alice', request: 'x', decision: 'perhaps' }],
    [{}],
  ])(requirement('backchannel-authentication', 'not decided by %j'), async (form) => {
    const alice = createBrowser(world());
    const first = await alice.get('/ciba');
    expect((await submit(alice, first.text, { user: 'alice' })).status).toBe(303);
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(first.text)?.[1];
    for (const [browser, sent] of [
      [createBrowser(world()), form],
      [alice, form],
      [alice, { ...form, xsrf }],
    ] as const) {
      const answer = await open(browser, '/ciba', sent as Record<string, string>, { Accept: 'application/json' });
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request']);
    }
  });

  test(requirement('decided-by-the-user'), async () => {
    const client = await demoBank(world());
    const request = { style: 'split', user: 'alice', message: 'Only alice decides' } as const;
    const started = await startBackchannel(world(), client, request);
    await expect(decide(world(), { ...request, user: 'bob', decision: 'approve' })).rejects.toThrow('no request says');
    const handle = createHash('sha256').update(started.auth_req_id).digest('base64url');
    const bob = createBrowser(world());
    await submit(bob, (await bob.get('/ciba')).text, { user: 'bob' });
    for (const browser of [createBrowser(world()), bob]) {
      for (const name of [handle, started.auth_req_id]) {
        const form = { user: 'alice', request: name, decision: 'approve' };
        expect((await open(browser, '/ciba', form)).status).toBe(400);
      }
    }
    await decide(world(), { ...request, decision: 'deny' });
    await expect(pollBackchannel(world(), client, started)).rejects.toMatchObject({ error: 'access_denied' });
  });
});
