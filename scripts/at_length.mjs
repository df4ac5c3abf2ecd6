// npm run soak, npm run measure:revocation, npm run races: one of the tests, for longer than `npm test` has time for. Prints what it measures.
//
//     npm run soak -- 1000000
import { untilInterrupted } from './process/until_interrupted.mjs';
import { obtainRedis } from './redis/obtain_redis.mjs';
import { runJest } from './test/run_jest.mjs';
import { buildIfNeeded } from './workspace/build.mjs';
import { installIfNeeded } from './workspace/install.mjs';
import { requireNode } from './workspace/require_node.mjs';

const tests = {
  soak: { file: 'e2e/attack/soak.test.ts', variable: 'SOAK_ROUNDS', rounds: 200_000 },
  races: { file: 'e2e/races/races.test.ts', variable: 'RACE_ROUNDS', rounds: 200 },
  revocation: { file: 'e2e/resilience/revocation_under_load.test.ts', variable: 'REVOCATION_ROUNDS', rounds: 500 },
};

requireNode();
const [name, given] = process.argv.slice(2);
const chosen = tests[name];
const rounds = given === undefined ? chosen?.rounds : Number(given);
if (chosen === undefined || !Number.isInteger(rounds) || rounds < 1) {
  console.error(`usage: node scripts/at_length.mjs ${Object.keys(tests).join('|')} [rounds]`);
  process.exit(2);
}

await untilInterrupted(async (signal) => {
  await installIfNeeded(signal);
  await buildIfNeeded(signal);
  const redis = await obtainRedis(signal);
  try {
    const environment = { REDIS_URL: redis.url, [chosen.variable]: String(rounds) };
    const { code } = await runJest(['--runInBand', chosen.file], environment, signal);
    process.exitCode = code;
  } finally {
    await redis.stop();
  }
});
