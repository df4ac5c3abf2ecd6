import { createBrowser, follow, submit } from '@tallystick/testing/sign_in';
import { rfc } from '../requirements/source.ts';
import { combinations, type Race } from './race.ts';
import type { RaceWorld } from './race_world.ts';
import { askAlice, CIBA, decide, post, tokenRequests } from './requests.ts';

const CIBA_CORE = 'https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html';
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';

/** The outcome that the client gets in the end. */
async function redeemed(world: RaceWorld, form: Record<string, string>, client: string): Promise<string> {
  return tokenRequests(world).request(world.servers[0], form, client);
}

const DECIDED = ['approved + too late; tokens', 'denied + too late; access_denied'];

/** A device code, and browsers of users that show the confirmation page of one or the other server. */
async function deviceCode(world: RaceWorld, users: readonly ('alice' | 'bob')[]) {
  const { body } = await post(`${world.servers[0]}/device/auth`, { scope: 'openid' }, 'demo-tv');
  world.log.secret(String(body.device_code));
  const browsers = await Promise.all(
    users.map(async (user) => {
      const browser = createBrowser(world); // The load balancer sends requests to the servers in turn.
      const page = await submit(browser, (await browser.get('/device')).text, { user_code: String(body.user_code) });
      const [confirmation = '', cancellation = ''] = page.text.split(/(?=<form )/).slice(1);
      /** Continues as a person would. */
      const end = async (answer: Parameters<typeof follow>[2]) => {
        if (answer.text.includes('already been used')) return 'too late';
        const shown = String(await follow(world, browser, answer, { user }));
        return shown.includes('Device connected') ? 'connected' : 'cancelled';
      };
      return {
        confirm: async () => end(await submit(browser, confirmation)),
        async cancel() {
          const { text } = await submit(browser, cancellation);
          return text.includes('Cancelled') ? 'cancelled' : 'too late';
        },
      };
    }),
  );
  return { form: { grant_type: DEVICE, device_code: String(body.device_code) }, browsers };
}

/** Races between decisions of users. */
export const deciding: readonly Race[] = [
  {
    name: 'approval beside denial of a backchannel request',
    source: `${CIBA_CORE}#token_request`,
    async prepare(world) {
      const { auth_req_id } = await askAlice(world, 'split');
      return {
        actions: [() => decide(world, 0, auth_req_id, 'approve'), () => decide(world, 1, auth_req_id, 'deny')],
        after: () => redeemed(world, { grant_type: CIBA, auth_req_id }, 'demo-bank'),
      };
    },
    allowed: DECIDED,
  },
  {
    name: 'approval on the page beside denial through the control API',
    source: `${CIBA_CORE}#token_request`,
    async prepare(world) {
      const { auth_req_id, message } = await askAlice(world, 'split');
      const browser = createBrowser({ issuer: world.servers[0] });
      const first = await browser.get('/ciba');
      await submit(browser, first.text, { user: 'alice' });
      const page = (await browser.get('/ciba')).text;
      const form = page.split(/(?=<form )/).find((part) => part.includes(message)) ?? '';
      const approve = async () => {
        const { status } = await submit(browser, form, { decision: 'approve' });
        return status === 303 ? 'approved' : status === 400 ? 'too late' : `${status}`;
      };
      return {
        actions: [approve, () => decide(world, 1, auth_req_id, 'deny')],
        after: () => redeemed(world, { grant_type: CIBA, auth_req_id }, 'demo-bank'),
      };
    },
    allowed: DECIDED,
  },
  {
    name: 'a poll beside approval',
    source: `${CIBA_CORE}#token_request`,
    async prepare(world) {
      const { auth_req_id } = await askAlice(world, 'split');
      const { request, got } = tokenRequests(world);
      const poll = () => request(world.servers[1], { grant_type: CIBA, auth_req_id }, 'demo-bank');
      return {
        actions: [poll, () => decide(world, 0, auth_req_id, 'approve')],
        async after() {
          const already = got.length;
          const last = await poll();
          return already === 1 ? `then ${last}` : `then ${last}, once`;
        },
      };
    },
    allowed: ['approved + authorization_pending; then tokens, once', 'approved + tokens; then invalid_grant'],
  },
  {
    name: 'two users who confirm one device code',
    source: rfc(8628, '3.3'),
    async prepare(world) {
      const { form, browsers } = await deviceCode(world, ['alice', 'bob']);
      return {
        actions: browsers.map(({ confirm }) => confirm),
        after: () => redeemed(world, form, 'demo-tv'),
      };
    },
    allowed: ['connected + too late; tokens'],
  },
  {
    name: 'a user who confirms a device code beside one who cancels',
    source: rfc(8628, '3.3'),
    async prepare(world) {
      const { form, browsers } = await deviceCode(world, ['alice', 'bob']);
      const [one, other] = browsers;
      if (!one || !other) throw new Error('there are not two browsers');
      return { actions: [one.confirm, other.cancel], after: () => redeemed(world, form, 'demo-tv') };
    },
    allowed: [
      'connected + too late; tokens',
      ...combinations(['cancelled'], ['too late', 'cancelled']).map((said) => `${said}; access_denied`),
    ],
  },
  {
    name: 'a device code at two servers',
    source: rfc(8628, '3.5'),
    async prepare(world) {
      const { form, browsers } = await deviceCode(world, ['alice']);
      await browsers[0]?.confirm();
      const { request, got } = tokenRequests(world);
      return {
        actions: world.servers.map((server) => () => request(server, form, 'demo-tv')),
        async after() {
          const refresh = { grant_type: 'refresh_token', refresh_token: String(got[0]?.refresh_token) };
          return `next ${await request(world.servers[1], refresh, 'demo-tv')}`;
        },
      };
    },
    allowed: ['invalid_grant + tokens; next invalid_grant'],
  },
];
