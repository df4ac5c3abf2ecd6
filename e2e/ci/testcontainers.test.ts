import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { requirement } from '../requirements/index.ts';
import { type ContainerEngine, startContainerEngine } from '../support/ci/container_engine.ts';
import { ROOT } from '../support/worlds/run_command.ts';

const run = promisify(execFile);

const USE = `
import { TallystickContainer } from './tallystick_container.ts';

const tally = await new TallystickContainer(process.argv[2] ?? '').withConfig(JSON.parse(process.argv[3] ?? '')).start();
try {
  const metadata = (await (await fetch(\`\${tally.issuer}/.well-known/openid-configuration\`)).json()) as { issuer: string };
  const { accessToken, jwt } = await tally.token({ user: 'alice', api: 'https://api.example.com/split', scopes: ['read'] });
  const headers = { Authorization: \`Bearer \${accessToken}\` };
  const answer = await fetch(\`\${tally.gatewayUrl}/orders\`, { headers });
  const refusal = await tally.token({ api: 'https://api.example.com/unknown' }).catch((error: Error) => error.message);
  console.log(JSON.stringify({ issuer: tally.issuer, metadata: metadata.issuer, status: answer.status, jwt, refusal }));
} finally {
  await tally.stop();
}
`;

const IMPORTS = `import { TestContainers } from 'testcontainers';
import { TallystickContainer } from './tallystick_container.ts';
`;

/** An API and the sample API behind it. */
const CONFIG = {
  apis: [{ resource: 'https://api.example.com/split', accessTokens: 'split', scopes: ['read'] }],
};

let folder: string;
beforeAll(async () => {
  // Below e2e, so that `testcontainers` is found.
  folder = await mkdtemp(path.join(ROOT, 'e2e/example-'));
  const example = 'tallystick_container.ts';
  await copyFile(path.join(ROOT, 'examples/testcontainers', example), path.join(folder, example));
  await writeFile(path.join(folder, 'use.ts'), USE);
  const page = await readFile(path.join(ROOT, 'docs/how-to/ci.md'), 'utf8');
  const [, snippet = ''] = /^```ts\n(.*?)^```/ms.exec(page) ?? [];
  await writeFile(path.join(folder, 'page.ts'), `${IMPORTS}${snippet}`);
});
afterAll(() => rm(folder, { recursive: true }));

test(requirement('ci-testcontainers', 'the types fit Testcontainers'), async () => {
  const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--allowImportingTsExtensions'];
  const types = ['--types', 'node', '--typeRoots', path.join(ROOT, 'node_modules/@types')];
  const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc');
  const result = run(process.execPath, [
    tsc,
    '--ignoreConfig',
    ...options,
    ...types,
    ...['use.ts', 'page.ts'].map((file) => path.join(folder, file)),
  ]);
  expect(await result.catch(({ stdout }) => ({ stdout }))).toMatchObject({ stdout: '' });
});

(process.env.PODMAN ? describe : describe.skip)('in a container', () => {
  let engine: ContainerEngine;
  beforeAll(async () => {
    engine = await startContainerEngine();
  });
  afterAll(() => engine?.stop());

  test(requirement('ci-testcontainers'), async () => {
    const outfile = path.join(folder, 'use.mjs');
    await build({
      entryPoints: [path.join(folder, 'use.ts')],
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      outfile,
    });
    const { stdout } = await run(process.execPath, [outfile, engine.image, JSON.stringify(CONFIG)], {
      // Ryuk, which cleans up after Testcontainers, is an image of its own.
      env: { ...process.env, DOCKER_HOST: engine.host, TESTCONTAINERS_RYUK_DISABLED: 'true' },
    });
    const { issuer, metadata, status, jwt, refusal } = JSON.parse(stdout);
    expect(issuer).toMatch(/^http:\/\/localhost:\d+$/);
    expect({ metadata, status }).toEqual({ metadata: issuer, status: 200 });
    expect(JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url').toString())).toMatchObject({
      iss: issuer,
      sub: 'alice',
    });
    expect(refusal).toContain('https://api.example.com/unknown');
  });
});
