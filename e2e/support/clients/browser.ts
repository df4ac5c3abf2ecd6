import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';

/** The program that `npm test` found. Without one, these tests are skipped, and `npm test` has reported that. */
export const chromiumIsThere = process.env.CHROMIUM !== undefined;

export interface RunningBrowser {
  readonly context: BrowserContext;
  stop(): Promise<void>;
}

/** Starts a headless Chromium with an empty profile. */
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
