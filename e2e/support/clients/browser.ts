import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';

/** What `npm test` found; without it there is no Chromium here, and it has said so. */
export const chromiumIsThere = process.env.CHROMIUM !== undefined;

export interface RunningBrowser {
  readonly context: BrowserContext;
  stop(): Promise<void>;
}

/** A Chromium without a window, with nothing kept from before. */
export async function startBrowser(): Promise<RunningBrowser> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tallystick-chromium-'));
  const context = await chromium.launchPersistentContext(folder, {
    executablePath: String(process.env.CHROMIUM),
    args: [
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  return {
    context,
    async stop() {
      await context.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
