// node bench/gateway.mjs compares the cost of a call through the gateway, with the JWT in its first-level cache, with the cost
// through bare http-proxy with the same agent. It measures processor time of the proxy's process per request, which does not
// depend on the load of the machine. The contestants take turns, and the result is the median of the rounds.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { buildIfNeeded } from '../scripts/workspace/build.mjs';
import { installIfNeeded } from '../scripts/workspace/install.mjs';

const rounds = 9;
const requestsPerRound = 6_000;
const connections = 16;

const { signal } = new AbortController();
await installIfNeeded(signal);
await buildIfNeeded(signal);

const upstream = await start('upstream');
const bare = await start('bare', upstream.url);
const { child: authorizationServer, url: issuer, tokens } = await start('authorization-server');
const gateway = await start('gateway', upstream.url, issuer);

const contestants = [
  // All contestants send the same bytes upstream.
  { name: 'bare http-proxy', process: bare, path: '/bare/hello', token: tokens.jwt },
  { name: 'jwt', process: gateway, path: '/jwt/hello', token: tokens.jwt },
  { name: 'phantom', process: gateway, path: '/phantom/hello', token: tokens.phantom },
  { name: 'split', process: gateway, path: '/split/hello', token: tokens.split },
];
const costs = new Map(contestants.map(({ name }) => [name, []]));
for (const contestant of contestants) await round(contestant); // Warm-up.
for (let index = 0; index < rounds; index += 1) {
  process.stdout.write(`\rround ${index + 1} of ${rounds}`);
  for (const contestant of contestants) costs.get(contestant.name).push(await round(contestant));
}
process.stdout.write('\r');
const base = median(costs.get('bare http-proxy'));
console.log('processor time per request (median of the rounds), and throughput relative to bare http-proxy');
for (const [name, values] of costs) {
  console.log(`${name.padEnd(16)} ${median(values).toFixed(1).padStart(7)} µs   ${(base / median(values)).toFixed(2)}`);
}
for (const child of [gateway.child, bare.child, upstream.child, authorizationServer]) child.kill();

/** @returns microseconds of processor time for each request */
async function round({ process: { url, child }, path, token }) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  const before = await cpuOf(child);
  let left = requestsPerRound;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (left > 0) {
        left -= 1;
        await call(agent, new URL(path, url), token);
      }
    }),
  );
  const after = await cpuOf(child);
  agent.destroy();
  return (after - before) / requestsPerRound;
}

function call(agent, url, token) {
  return new Promise((resolve, reject) => {
    const headers = { Authorization: `Bearer ${token}`, Accept: 'application/json', 'User-Agent': 'bench' };
    http
      .get(url, { agent, headers }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`${url.pathname}: ${response.statusCode}`));
        response.resume().once('end', resolve);
      })
      .once('error', reject);
  });
}

async function cpuOf(child) {
  child.send('cpu');
  const [microseconds] = await once(child, 'message');
  return microseconds;
}

async function start(...role) {
  const child = fork(new URL('./contestant.mjs', import.meta.url), role, {
    stdio: ['ignore', 'inherit', 'ignore', 'ipc'],
  });
  const [ready] = await once(child, 'message');
  return { child, ...ready };
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
