import type { Config } from '../config/schema.ts';
import type { Harness } from '../harness/harness.ts';
import { openApp } from './app.ts';
import type { RoleDependencies } from './dependencies.ts';
import type { Listening } from './listen.ts';
import { readinessOf } from './readiness.ts';
import { controlApiPage, serveServerPages, showsServerPage } from './server_pages.ts';

/** Serves the control API on its own port. */
export async function runControlApi(
  config: Config,
  harness: Harness,
  { store, log, tls }: Pick<RoleDependencies, 'store' | 'log' | 'tls'>,
): Promise<Listening> {
  // Loaded on demand: the control API is off by default, and the start should be fast.
  const { createControlApi } = await import('../control/create_control_api.ts');
  const app = await openApp(config, 'controlApi', { tls, log });
  const hasPage = showsServerPage(config, config.controlApi.host);
  const pageAt = (url: string) => (url === '/' && hasPage ? controlApiPage : undefined);
  app.answerWith(serveServerPages(pageAt, createControlApi(harness, { log })), () => readinessOf(store));
  return app;
}
