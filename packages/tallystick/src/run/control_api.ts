import type { Config } from '../config/schema.ts';
import type { Harness } from '../harness/harness.ts';
import { openApp, type RoleDependencies } from './app.ts';
import type { Listening } from './listen.ts';

/** The control API on its own port. */
export async function runControlApi(
  config: Config,
  harness: Harness,
  { log, tls }: Pick<RoleDependencies, 'log' | 'tls'>,
): Promise<Listening> {
  // Loaded only when it is used: it is off for most, and everything should start fast.
  const { createControlApi } = await import('../control/create_control_api.ts');
  const app = await openApp(config, 'controlApi', tls);
  app.answerWith(createControlApi(harness, { log }));
  return app;
}
