import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { until } from '@tallystick/testing/until';
import { requirement } from '../requirements/index.ts';
import { type ManyProcesses, startManyProcesses } from '../support/worlds/many_processes.ts';
import { resourceOf } from '../support/worlds/world.ts';

const ROUNDS = 12;

let world: ManyProcesses;
beforeAll(async () => {
  world = await startManyProcesses();
});
afterAll(() => world.stop());

test(requirement('killed-in-mid-issue'), async () => {
  let issued = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const load = Promise.all(Array.from({ length: 10 }, () => issueUntilKilled()));
    const enough = issued + 5 + Math.floor(Math.random() * 60);
    await until(() => issued >= enough);
    await world.killAuthorizationServers();
    await load;
    expect(await halves()).toEqual({ recordsWithoutEntry: [], entriesWithoutRecord: [] });
    await world.startAuthorizationServers();
  }
  expect(issued).toBeGreaterThan(ROUNDS * 5);

  async function issueUntilKilled(): Promise<void> {
    for (;;) {
      try {
        const answer = await fetch(`${world.issuer}/token`, {
          method: 'POST',
          headers: { Authorization: `Basic ${btoa('demo-service:demo-service-secret')}` },
          body: new URLSearchParams({ grant_type: 'client_credentials', resource: resourceOf('split') }),
        });
        if (!answer.ok) return;
        const { access_token: token } = (await answer.json()) as { access_token: string };
        world.log.secret(token);
        issued += 1;
      } catch {
        return; // The server is gone.
      }
    }
  }
});

async function halves() {
  const keys = await world.redis.keys(`${world.prefix}*`);
  const tagged = (ending: string) =>
    keys.filter((key) => key.endsWith(ending)).map((key) => key.slice(0, -ending.length));
  const records = new Set(tagged(':ClientCredentials'));
  const entries = new Set(tagged(':signing-input'));
  return {
    recordsWithoutEntry: [...records].filter((key) => !entries.has(key)),
    entriesWithoutRecord: [...entries].filter((key) => !records.has(key)),
  };
}
