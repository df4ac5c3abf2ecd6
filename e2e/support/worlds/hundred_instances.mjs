// Starts, uses and stops instances of the library, and prints what they leave behind in this process.
import { startTallystick } from 'tallystick';

const WARM_UP = 60; // Caches of Node.js and of the dependencies fill up first. They are bounded.
const INSTANCES = 100;

/** Another round follows one that leaves more behind for each instance. */
const maxBytes = Number(process.argv[2]);

const resource = 'https://orders.example';
const app = (_request, response) => response.end('ok');

async function runOne() {
  const tally = await startTallystick({
    log: { level: 'silent' },
    apis: [{ resource, accessTokens: 'split', scopes: ['read'], upstream: app }],
  });
  const { status } = await tally.fetch('/orders', { as: 'alice' });
  if (status !== 200) throw new Error(`the gateway answered with ${status}`);
  tally.faults.add({ at: 'upstream', status: 500, calls: 1 });
  await tally.fetch('/orders', { as: 'alice' });
  tally.clock.advance(60);
  await tally.stop();
}

async function heapUsed() {
  for (let pass = 0; pass < 3; pass += 1) {
    globalThis.gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage().heapUsed;
}

async function bytesPerInstance() {
  const before = await heapUsed();
  for (let count = 0; count < INSTANCES; count += 1) await runOne();
  return ((await heapUsed()) - before) / INSTANCES;
}

for (let count = 0; count < WARM_UP; count += 1) await runOne();
const rounds = [await bytesPerInstance()];
// On a busy machine the collector may be late once. What leaks, leaks in each round.
while (Math.min(...rounds) >= maxBytes && rounds.length < 3) rounds.push(await bytesPerInstance());
console.log(JSON.stringify({ rounds, resources: process.getActiveResourcesInfo() }));
