// npm test: installs, gets a real Redis, checks types and lint, and runs every test. Arguments go to jest.
import path from 'node:path';
import { obtainApache } from './apache/obtain_apache.mjs';
import { obtainAuthlib } from './authlib/obtain_authlib.mjs';
import { obtainCaddy } from './caddy/obtain_caddy.mjs';
import { obtainChromium } from './chromium/obtain_chromium.mjs';
import { obtainHaproxy } from './haproxy/obtain_haproxy.mjs';
import { obtainKubectl } from './kubernetes/obtain_kubectl.mjs';
import { obtainNginx } from './nginx/obtain_nginx.mjs';
import { packIfNeeded } from './pack/pack_if_needed.mjs';
import { findPodman } from './podman/find_podman.mjs';
import { runStep } from './process/run_step.mjs';
import { untilInterrupted } from './process/until_interrupted.mjs';
import { obtainPromtool } from './prometheus/obtain_promtool.mjs';
import { obtainPytest } from './pytest/obtain_pytest.mjs';
import { obtainRedis } from './redis/obtain_redis.mjs';
import { runJest } from './test/run_jest.mjs';
import { typeCheck } from './workspace/build.mjs';
import { installIfNeeded } from './workspace/install.mjs';
import { requireNode } from './workspace/require_node.mjs';
import { root } from './workspace/root.mjs';

requireNode();

await untilInterrupted(async (signal) => {
  await installIfNeeded(signal);
  const nginx = await obtainNginx(signal);
  const caddy = await obtainCaddy(signal);
  const haproxy = await obtainHaproxy(signal);
  const chromium = await obtainChromium(signal);
  const apache = await obtainApache(signal);
  const authlib = await obtainAuthlib(signal);
  const kubectl = await obtainKubectl(signal);
  const promtool = await obtainPromtool(signal);
  const pytest = await obtainPytest(signal);
  const podman = findPodman();
  const redis = await obtainRedis(signal);
  try {
    await typeCheck(signal);
    await lint(signal);
    await packIfNeeded(signal);
    await test(
      {
        REDIS_URL: redis.url,
        ...(nginx && { NGINX: nginx.binary, NGINX_JS_MODULE: nginx.jsModule }),
        ...(caddy && { CADDY: caddy }),
        ...(haproxy && { HAPROXY: haproxy }),
        ...(chromium && { CHROMIUM: chromium }),
        ...(apache && { APACHE: apache }),
        ...(authlib && { AUTHLIB: authlib }),
        ...(kubectl && { KUBECTL: kubectl }),
        ...(promtool && { PROMTOOL: promtool }),
        ...(pytest && { PYTEST: pytest }),
        ...(podman && { PODMAN: podman }),
      },
      signal,
    );
  } finally {
    await redis.stop();
  }
});

/** @param {AbortSignal} signal */
async function lint(signal) {
  const biome = path.join(root, 'node_modules/@biomejs/biome/bin/biome');
  const knip = path.join(root, 'node_modules/knip/bin/knip.js');
  await runStep('Lint (biome check)', { command: process.execPath, args: [biome, 'check', '.'], signal });
  await runStep('What is unused (knip)', { command: process.execPath, args: [knip], signal });
}

/**
 * @param {Record<string, string>} environment
 * @param {AbortSignal} signal
 */
async function test(environment, signal) {
  const started = performance.now();
  console.log('Tests (jest) ...');
  const { code, passed, failed } = await runJest(process.argv.slice(2), environment, signal);
  console.log(`Tests (jest): ${((performance.now() - started) / 1000).toFixed(1)} s`);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = code;
}
