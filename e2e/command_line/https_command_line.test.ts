import { X509Certificate } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { until } from '@tallystick/testing/until';
import { requirement } from '../requirements/index.ts';
import { freePorts } from '../support/worlds/free_ports.ts';
import { MAIN, ROOT, type RunningCommand, runCommand } from '../support/worlds/run_command.ts';
import { DEMO_CONFIG } from '../support/worlds/world.ts';

let folder: string;
let running: RunningCommand[];
beforeEach(async () => {
  running = [];
  folder = await mkdtemp(path.join(tmpdir(), 'tallystick-'));
});
afterEach(async () => {
  for (const command of running) command.signal('SIGKILL');
  await Promise.all(running.map((command) => command.exit));
  await rm(folder, { recursive: true });
});

function tallystick(args: readonly string[], environment: Record<string, string>): RunningCommand {
  const command = runCommand(process.execPath, [MAIN, ...args, '--config', DEMO_CONFIG], { cwd: folder, environment });
  running.push(command);
  return command;
}

/** Waits for a line of output, as long as the command runs. */
async function printed({ output, exit }: RunningCommand, line: string): Promise<string> {
  const ended = exit.then((code) => Promise.reject(new Error(`ended with ${code}: ${output()}`)));
  await Promise.race([until(() => output().includes(line)), ended]);
  return output();
}

async function bash(script: string, environment: Record<string, string> = {}): Promise<string> {
  const command = runCommand('bash', ['-c', script], { cwd: folder, environment });
  expect([script, await command.exit, command.output()]).toEqual([script, 0, expect.any(String)]);
  return command.output();
}

/** The fingerprint of the certificate that a server presents, trusted or not. */
function fingerprintAt(url: string): Promise<string> {
  const { hostname: host, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(port), rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

test(requirement('start-banner', 'with a self-made certificate'), async () => {
  const ports = await freePorts('https');
  const start = tallystick(['start'], { ...ports, TALLYSTICK_TLS_SELF_MADE: 'true' });
  const banner = await printed(start, 'Ctrl-C stops it.');
  const [, fingerprint] = /Certificate +SHA-256 ([0-9A-F:]+)$/m.exec(banner) ?? [];
  expect(fingerprint).toBe(await fingerprintAt(ports.TALLYSTICK_ISSUER));
  expect(banner).toContain('--cacert .tallystick/ca.pem');
  expect(banner).toContain('export CURL_CA_BUNDLE=.tallystick/ca.pem NODE_EXTRA_CA_CERTS=.tallystick/ca.pem');

  const commands = banner.split('\n').filter((line) => /^ {2}(curl|TOKEN=)/.test(line));
  const pasted = await bash(commands.join('\n'));
  expect(pasted).toContain('"style":"split"');
  expect([...pasted.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(['401', '401']);

  const discovery = `fetch('${ports.TALLYSTICK_ISSUER}/.well-known/openid-configuration')`;
  const trusting = { NODE_EXTRA_CA_CERTS: path.join(folder, '.tallystick/ca.pem') };
  expect(await bash(`node -e "${discovery}.then((answer) => console.log(answer.status))"`, trusting)).toContain('200');
  await expect(fetch(`${ports.TALLYSTICK_ISSUER}/jwks`)).rejects.toThrow('fetch failed');
});

test(requirement('https', 'each role in its own process, started at the same time'), async () => {
  const ports = await freePorts('https');
  const environment = { ...ports, TALLYSTICK_TLS_SELF_MADE: 'true', TALLYSTICK_TLS_DIRECTORY: 'certificates' };
  const roles = ['authorization-server', 'gateway', 'sample-api'].map((role) => tallystick([role], environment));
  for (const role of roles) {
    const output = await printed(role, 'trust it with: export CURL_CA_BUNDLE=certificates/ca.pem');
    expect(output).toMatch(/^HTTPS, certificate SHA-256 [0-9A-F:]{95}$/m);
  }
  const curl = 'curl -s --cacert certificates/ca.pem';
  for (const style of ['jwt', 'opaque', 'phantom']) {
    const asked = `-d grant_type=client_credentials -d resource=https://api.example.com/${style} -d scope=read`;
    const answer = await bash(`${curl} -u demo-service:demo-service-secret ${ports.TALLYSTICK_ISSUER}/token ${asked}`);
    const token = JSON.parse(answer).access_token;
    const call = `${curl} https://localhost:${ports.TALLYSTICK_GATEWAY_PORT}/${style}/hello -H "Authorization: Bearer ${token}"`;
    expect(JSON.parse(await bash(call))).toMatchObject({ style, claims: { client_id: 'demo-service' } });
  }
});

test(requirement('https', 'the example of the library in the documents'), async () => {
  const page = await readFile(path.join(ROOT, 'docs/how-to/https.md'), 'utf8');
  const [, sample = ''] = /^```js\n(.*?)^```/ms.exec(page) ?? [];
  const example = await mkdtemp(path.join(ROOT, 'e2e/example-'));
  try {
    await copyFile(DEMO_CONFIG, path.join(example, path.basename(DEMO_CONFIG)));
    await writeFile(path.join(example, 'example.mjs'), sample);
    const printed = await bash(`cd ${example} && node example.mjs`);
    expect(printed).toMatch(/^https:\/\/localhost:\d+$/m);
    expect(printed).toContain('-----BEGIN CERTIFICATE-----');
  } finally {
    await rm(example, { recursive: true });
  }
});

test(requirement('https', 'the certificate is used again at the next start'), async () => {
  const used: string[] = [];
  for (let start = 0; start < 2; start++) {
    const ports = await freePorts('https');
    const command = tallystick(['sample-api'], { ...ports, TALLYSTICK_TLS_SELF_MADE: 'true' });
    await printed(command, 'trust it with');
    used.push(await fingerprintAt(`https://localhost:${ports.TALLYSTICK_SAMPLE_API_PORT}`));
    command.signal('SIGTERM');
    expect(await command.exit).toBe(0);
  }
  expect(used[0]).toBe(used[1]);
  const ca = new X509Certificate(await readFile(path.join(folder, '.tallystick/ca.pem')));
  expect(ca.ca).toBe(true);
});

test.each([
  ['an issuer on http', { TALLYSTICK_TLS_SELF_MADE: 'true' }, 'issuer: expected https'],
  [
    'a missing file',
    { TALLYSTICK_TLS_CA: 'none.pem' },
    'tls.ca: expected PEM, or a file that can be read; found "none.pem"',
  ],
] as const)(requirement('config-explains', 'TLS with %s'), async (_what, environment, problem) => {
  for (const command of [['start'], ['config', 'validate']]) {
    const wrong = tallystick(command, { ...(await freePorts('http')), ...environment });
    expect(await wrong.exit).toBe(1);
    expect(wrong.output()).toContain(problem);
  }
});
