import { defineConfig } from '@playwright/test';

export default defineConfig({
  reporter: 'line',
  timeout: 120_000, // For a busy machine.
  expect: { timeout: 60_000 },
  // CHROMIUM is a Chromium of the system. Without it, Playwright uses its own.
  use: { launchOptions: { executablePath: process.env.CHROMIUM } },
});
