import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type OneProcess, startOneProcess } from '../support/worlds/one_process.ts';
import { STYLES } from '../support/worlds/world.ts';
import { type Application, startApplication } from './application.ts';
import type { Flow, RealClient } from './table.ts';

/** Each flow of the table, with an application whose user has not signed in. */
const FLOWS: Readonly<Record<Flow, (application: Application, client: RealClient) => Promise<void>>> = {
  async 'sign-in'(application, { openid = true, implicit = false }) {
    const { sub, email, accessToken } = await application.signIn();
    expect(accessToken).toEqual(implicit ? undefined : expect.any(String));
    expect([sub, email]).toEqual(openid ? ['alice', 'alice@example.com'] : [undefined, undefined]);
  },
  async api(application) {
    for (const style of STYLES) {
      await application.setDefaultApi(style);
      await application.signIn();
      expect([style, await application.callApi(style)]).toEqual([style, 200]);
    }
  },
  async userinfo(application) {
    await application.signIn();
    expect(await application.ask('/userinfo')).toMatchObject({ sub: 'alice', email: 'alice@example.com' });
  },
  async refresh(application) {
    await application.setDefaultApi('split');
    const first = await application.signIn();
    const second = await application.ask('/refresh');
    expect(second.accessToken).not.toBe(first.accessToken);
    expect(await application.callApi('split')).toBe(200);
  },
  async revocation(application) {
    await application.setDefaultApi('phantom');
    await application.signIn();
    expect(await application.callApi('phantom')).toBe(200);
    await application.ask('/revoke');
    expect(await application.callApi('phantom')).toBe(401);
  },
  async logout(application) {
    await application.signIn();
    expect(await application.signOut()).toMatch(/^http:..localhost:\d+\/?(\?|$)/);
    expect((await application.authorizeSilently()).searchParams.get('error')).toBe('login_required');
  },
};

/** Tests each client of the table with each flow that it has. */
export function testClients(clients: Readonly<Record<string, RealClient>>) {
  let world: OneProcess;
  beforeAll(async () => {
    const implicit = Object.values(clients).some((client) => client.implicit);
    world = await startOneProcess((config) => ({ ...config, features: { ...config.features, implicit } }));
  });
  afterAll(() => world?.stop());

  for (const [name, client] of Object.entries(clients)) {
    (client.present === false ? describe.skip : describe)(name, () => {
      let application: Application;
      beforeAll(async () => {
        application = await startApplication(world, client);
      });
      afterAll(() => application?.stop());

      test.each(client.flows)('%s', (flow) => FLOWS[flow](application, client));
    });
  }
}
