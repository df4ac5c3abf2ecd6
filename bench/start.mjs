// node bench/start.mjs compares the time from the start of the process until `tallystick start` is ready with that of oauth2-mock-server,
// and with the code of the workspace before it is bundled. The contestants take turns, and the result is the median of the rounds.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { packIfNeeded } from '../scripts/pack/pack_if_needed.mjs';
import { runStep } from '../scripts/process/run_step.mjs';
import { installIfNeeded } from '../scripts/workspace/install.mjs';
import { root } from '../scripts/workspace/root.mjs';

const rounds = Number(process.argv[2] ?? 15);
const ports = {
  TALLYSTICK_ISSUER: 'http://localhost:18400',
  TALLYSTICK_AUTHORIZATION_SERVER_PORT: '18400',
  TALLYSTICK_GATEWAY_PORT: '18401',
  TALLYSTICK_SAMPLE_API_PORT: '18402',
};

const { signal } = new AbortController();
await installIfNeeded(signal);
const [tarball] = await packIfNeeded(signal);
const folder = await mkdtemp(path.join(tmpdir(), 'tallystick-bench-'));
const packages = ['oauth2-mock-server@9.3.0', tarball];
const args = ['install', '--prefix', folder, '--prefer-offline', '--no-audit', '--no-fund', ...packages];
await runStep('Installing the contestants', { command: 'npm', args, signal });
const installed = (file) => path.join(folder, 'node_modules', file);

const contestants = {
  'oauth2-mock-server': [installed('oauth2-mock-server/dist/oauth2-mock-server.mjs'), '-p', '18403'],
  'tallystick start': [installed('tallystick/lib/main.cjs'), 'start'],
  '... not bundled': [path.join(root, 'packages/tallystick/dist/main.js'), 'start'],
};
const times = new Map(Object.keys(contestants).map((name) => [name, []]));
for (const command of Object.values(contestants)) await measure(command); // Warm-up: it fills the compile caches.
for (let index = 0; index < rounds; index += 1) {
  process.stdout.write(`\rround ${index + 1} of ${rounds}`);
  for (const [name, command] of Object.entries(contestants)) times.get(name).push(await measure(command));
}
process.stdout.write('\r');
await rm(folder, { recursive: true });

const base = median(times.get('oauth2-mock-server'));
console.log(
  `time to ready on Node.js ${process.versions.node} (median of ${rounds}), and relative to oauth2-mock-server`,
);
for (const [name, values] of times) {
  console.log(`${name.padEnd(20)} ${median(values).toFixed(0).padStart(5)} ms   ${(median(values) / base).toFixed(2)}`);
}

/** @returns milliseconds from the start of the process to the line that says it is ready */
function measure(command) {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    // In an empty folder: the built-in configuration.
    const child = spawn(process.execPath, command, { cwd: folder, env: { ...process.env, ...ports } });
    let output = '';
    let ready;
    child.stdout.on('data', (chunk) => {
      output += chunk;
      if (ready !== undefined || !/is ready in|issuer is/.test(output)) return;
      ready = performance.now() - started;
      child.kill('SIGINT'); // Not SIGKILL: the compile cache is written at the end.
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    child.once('close', () => (ready === undefined ? reject(new Error(output)) : resolve(ready)));
  });
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
