import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { requirement } from '../requirements/index.ts';
import { call, serviceToken } from '../support/clients/clients.ts';
import { ingressOf, nginxIsThere, startNginx } from '../support/peers/nginx.ts';
import type { Program } from '../support/peers/program.ts';
import { type RecordingApi, startRecordingApi } from '../support/peers/recording_api.ts';
import { type OneProcess, startOneProcess } from '../support/worlds/one_process.ts';
import { STYLES } from '../support/worlds/world.ts';

(nginxIsThere ? describe : describe.skip)('ingress-nginx', () => {
  let api: RecordingApi;
  let world: OneProcess;
  let front: Program;
  beforeAll(async () => {
    api = await startRecordingApi();
    world = await startOneProcess((config) => ({
      ...config,
      allowedHosts: ['tallystick.default.svc.cluster.local'],
      gateway: {
        ...config.gateway,
        trustedProxies: ['127.0.0.0/8', '::1'],
        decisionEndpoints: [{ path: '/decision', for: 'nginx' }],
        routes: [
          ...config.gateway.routes,
          { prefix: '/phantom', host: 'open.test', public: true, upstream: api.origin },
        ],
      },
    }));
    front = await startNginx(await ingressOf(world.gateways[0], api.origin));
  });
  afterAll(async () => {
    await front?.stop();
    await world?.stop();
    await api?.stop();
  });
  beforeEach(() => {
    api.requests.length = 0;
  });

  test.each(STYLES)(requirement('ingress-nginx-asks', '%s'), async (style) => {
    const token = await serviceToken(world, style, 'read write');
    const answer = await call(front.url, style, token, { method: 'POST', body: 'x'.repeat(100_000) });
    expect([answer.status, api.requests.length]).toEqual([200, 1]);
    if (style === 'phantom') expect(JSON.stringify(api.requests)).not.toContain(token);
  });

  test.each([
    ['no token', undefined, {}, 401],
    ['a missing scope', 'write', {}, 403],
    ['a header with another path', 'read', { 'X-Original-URI': '/open' }, 500],
    ['a header with another host', undefined, { 'X-Forwarded-Host': 'open.test' }, 401],
    ['an identity header', 'read', { 'X-User': 'evil' }, 500],
  ])(requirement('ingress-nginx-asks', 'refused: %s'), async (_what, scope, headers, status) => {
    const token = scope === undefined ? undefined : await serviceToken(world, 'phantom', scope);
    const answer = await call(front.url, 'phantom', token, { headers: headers as Record<string, string> });
    expect([answer.status, api.requests]).toEqual([status, []]);
    if (status === 401) {
      const metadata = `resource_metadata="${front.url}/.well-known/oauth-protected-resource/phantom"`;
      expect(answer.headers.get('www-authenticate')).toContain(metadata);
    }
  });

  test(requirement('ingress-nginx-asks', 'an outage is a server error, not a refusal'), async () => {
    world.tallystick.faults.add({ endpoint: 'introspection', status: 500 });
    const answer = await call(front.url, 'phantom', await serviceToken(world, 'phantom'));
    world.tallystick.faults.clear();
    expect([answer.status, api.requests]).toEqual([500, []]);
  });
});
