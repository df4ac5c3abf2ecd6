import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { checkConfig, loadConfig } from 'tallystick';
import { parse } from 'yaml';
import { documentedAcl } from '../../packages/token-store/src/testing/documented_acl.ts';
import { ROOT, runCommand } from '../support/worlds/run_command.ts';

const read = (file: string) => readFile(path.join(ROOT, file), 'utf8');

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly read_only?: boolean;
  readonly profiles?: readonly string[];
  readonly depends_on?: Readonly<Record<string, unknown>>;
}

describe('the image', () => {
  const instruction = async (name: string) => {
    const [, last = ''] = (await read('Dockerfile')).split(/^FROM node:24-bookworm-slim$/m);
    return [...last.matchAll(new RegExp(`^${name} (.*)$`, 'gm'))].map(([, value]) => value);
  };

  test('checks its health with an exec form, which needs no shell', async () => {
    expect(await instruction('HEALTHCHECK')).toEqual([expect.stringMatching(/ CMD \["tallystick", "health"\]$/)]);
  });

  test('runs as a user with a number, which is not root', async () => {
    expect(await instruction('USER')).toEqual(['1000:1000']);
  });

  test('listens on every address of the container', async () => {
    expect(await read('Dockerfile')).toMatch(/^ +TALLYSTICK_HOST=0\.0\.0\.0 /m);
  });

  test('is built for two processor architectures', async () => {
    expect(await read('docker-bake.hcl')).toContain('platforms = ["linux/amd64", "linux/arm64"]');
  });
});

describe('docker-compose.yml', () => {
  const services = async () => {
    const { services } = parse(await read('docker-compose.yml'), { merge: true }) as {
      services: Record<string, Service>;
    };
    return Object.entries(services);
  };
  const roles = async () => (await services()).filter(([, { image }]) => image === 'tallystick:local');

  test('mounts the configuration into every role, read-only like its file system', async () => {
    for (const [name, { volumes, read_only: isReadOnly }] of await roles()) {
      expect([name, volumes, isReadOnly]).toEqual([
        name,
        ['./tallystick.config.yaml:/app/tallystick.config.yaml:ro'],
        true,
      ]);
    }
  });

  test('gives every role a valid configuration', async () => {
    for (const [, { environment }] of await roles()) {
      await loadConfig(path.join(ROOT, 'tallystick.config.yaml'), environment);
    }
  });

  test('publishes ports on this machine only', async () => {
    const published = (await services()).flatMap(([, { ports = [] }]) => ports);
    expect(published.length).toBeGreaterThan(4);
    for (const port of published) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  test('has a profile with two authorization servers and two gateways, and nothing else needs it', async () => {
    const inProfile = (await services())
      .filter(([, { profiles }]) => profiles?.includes('cluster'))
      .map(([name]) => name);
    expect(inProfile).toEqual([
      'cluster-redis',
      'cluster-authorization-server-1',
      'cluster-authorization-server-2',
      'cluster-gateway-1',
      'cluster-gateway-2',
      'cluster-sample-api',
      'cluster-nginx',
    ]);
    for (const [name, { depends_on: needed = {} }] of await services()) {
      if (!inProfile.includes(name)) expect(Object.keys(needed).filter((each) => inProfile.includes(each))).toEqual([]);
    }
  });
});

test('the Redis users of the profile have the documented rights', async () => {
  const lines = (await read('deploy/compose/users.acl')).trim().split('\n');
  const rules = new Map(lines.map((line) => [line.split(' ')[1], line.split(' ').slice(2)]));
  expect([...rules.keys()]).toEqual(['default', 'authorization-server', 'gateway']);
  expect(rules.get('default')).toEqual(['off']);
  const withoutPassword = (list: readonly string[] = []) => list.filter((rule) => !rule.startsWith('>'));
  const documented = (...given: Parameters<typeof documentedAcl>) => withoutPassword(documentedAcl(...given));
  expect(withoutPassword(rules.get('authorization-server'))).toEqual(documented('authorization-server', 'tallystick:'));
  const proofs = ['the gateway remembers DPoP proofs in the store'];
  expect(withoutPassword(rules.get('gateway'))).toEqual(documented('gateway', 'tallystick:', proofs));
});

describe('docs/how-to/containers.md', () => {
  const blocks = async (language: string) =>
    [...(await read('docs/how-to/containers.md')).matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(
      ([, code]) => String(code),
    );

  test('waits in each language for the line that a role and `start` print', async () => {
    for (const language of ['js', 'java', 'python', 'go', 'csharp']) {
      const [code = ''] = await blocks(language);
      expect([language, code]).toEqual([language, expect.stringMatching(/["'](?:\.\*)?Tallystick is ready/)]);
    }
    const printed = await Promise.all(
      ['banner.ts', 'role.ts'].map((file) => read(`packages/tallystick/src/cli/${file}`)),
    );
    for (const code of printed) expect(code).toMatch(/Tallystick(?:'\)\})? is ready/);
  });

  test('gives each container a valid configuration', async () => {
    for (const language of ['java', 'python', 'go', 'csharp']) {
      const [, config = ''] = /"TALLYSTICK_CONFIG"[,:] "([^"]*)"/.exec((await blocks(language))[0] ?? '') ?? [];
      expect(checkConfig(parse(config)).issuerFromRequest).toBe(true);
    }
  });

  test('has JavaScript that can be parsed', async () => {
    const [code = ''] = await blocks('js');
    const folder = await mkdtemp(path.join(tmpdir(), 'tallystick-'));
    await writeFile(path.join(folder, 'example.mjs'), code);
    const parsed = runCommand(process.execPath, ['--check', path.join(folder, 'example.mjs')]);
    expect([await parsed.exit, parsed.output()]).toEqual([0, '']);
    await rm(folder, { recursive: true });
  });
});
