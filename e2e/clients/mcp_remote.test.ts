import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { onTestFinished } from '@tallystick/testing/on_test_finished';
import { createBrowser, followToCallback, open } from '@tallystick/testing/sign_in';
import { requirement } from '../requirements/index.ts';
import { startMcpWorld } from '../support/worlds/mcp_world.ts';

const MCP_REMOTE = fileURLToPath(new URL('applications/mcp_remote.mjs', import.meta.url));

test.each(['jwt', 'phantom', 'split'] as const)(requirement('real-clients', 'mcp-remote: %s'), async (style) => {
  const { world, resource } = await startMcpWorld(style);
  const folder = await mkdtemp(path.join(tmpdir(), 'tallystick-mcp-remote-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  // What an MCP host such as Claude Desktop starts. Without a PATH it opens no browser.
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [MCP_REMOTE, resource],
    env: { MCP_REMOTE_CONFIG_DIR: folder, PATH: '' },
    stderr: 'pipe',
  });
  const client = new Client({ name: 'an MCP host', version: '1.0.0' });
  onTestFinished(() => client.close());
  await Promise.all([client.connect(transport), signIn(transport.stderr as Readable)]);
  expect((await client.callTool({ name: 'whoami' })).content).toEqual([{ type: 'text', text: 'alice' }]);

  async function signIn(output: Readable) {
    const browser = createBrowser(world);
    const callback = await followToCallback(world, browser, await open(browser, await authorizationUrl(output)));
    const answer = await fetch(callback);
    expect(answer.status).toBe(200);
  }
});

/** The URL that mcp-remote asks the user to visit. */
function authorizationUrl(output: Readable): Promise<string> {
  return new Promise((resolve, reject) => {
    let written = '';
    output.on('data', (chunk) => {
      written += chunk;
      const [, url] = /by visiting:\s+(http\S+)\s/.exec(written) ?? [];
      if (url !== undefined) resolve(url);
    });
    output.on('end', () => reject(new Error(`mcp-remote ended: ${written}`)));
  });
}
