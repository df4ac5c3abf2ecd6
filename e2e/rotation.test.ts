import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { decodeProtectedHeader } from 'jose';
import { loadConfig, startTallystick, type Tallystick } from 'tallystick';
import { requirement } from './requirements.ts';
import { until } from './support/until.ts';
import { DEMO_CONFIG, resourceOf } from './support/world.ts';

const STYLES = ['jwt', 'phantom', 'split'] as const;

/** Milliseconds: whoever validates JWTs fetches the keys for an unknown one at most every 5 seconds. */
const LONGER_THAN_COOLDOWN = 5_500;

let tallystick: Tallystick;
beforeEach(async () => {
  tallystick = await startTallystick({ config: await loadConfig(DEMO_CONFIG) });
});
afterEach(() => tallystick.stop());

test(requirement('keys-rotate'), async () => {
  const seenKids = new Set<string | undefined>();
  const failures: string[] = [];
  let calls = 0;
  let rotating = true;
  const callOn = async (style: (typeof STYLES)[number]) => {
    const tokens: string[] = [];
    while (rotating) {
      tokens.push(await issue(style));
      for (const token of [tokens[0], tokens.at(-1)]) {
        const answer = await fetch(`${tallystick.gatewayUrl}/${style}/x`, {
          headers: { Authorization: `Bearer ${token}` },
        });
        const text = await answer.text();
        calls += 1;
        if (answer.status !== 200) failures.push(`${style} ${answer.status} ${text}`);
        else seenKids.add(kidOf(text));
      }
    }
  };
  const load = Promise.all(STYLES.map(callOn));
  for (let rotation = 0; rotation < 2; rotation++) {
    const kids = (await tallystick.keys.rotate({ announceFor: LONGER_THAN_COOLDOWN })).map(({ kid }) => kid);
    await until(() => seenKids.has(kids.at(-1)) || failures.length > 0 || seenKids.size > rotation + 1);
  }
  rotating = false;
  await load;
  expect(failures).toEqual([]);
  expect(seenKids.size).toBe(3);
  expect(calls).toBeGreaterThan(50);
});

async function issue(style: (typeof STYLES)[number]): Promise<string> {
  const answer = await fetch(`${tallystick.issuer}/token`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa('demo-service:demo-service-secret')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: resourceOf(style), scope: 'read' }),
  });
  return ((await answer.json()) as { access_token: string }).access_token;
}

/** Which key signed the JWT that the sample API got. */
function kidOf(shown: string): string | undefined {
  const { headers } = JSON.parse(shown) as { headers: { authorization: string } };
  return decodeProtectedHeader(headers.authorization.replace('Bearer ', '')).kid;
}
