import { isOwnClient } from '../config/complete_config.ts';
import { ConfigError } from '../config/config_error.ts';
import { jsonSchema } from '../config/config_schema.ts';
import { type ConfigSource, readConfig, sourceName } from '../config/config_source.ts';
import type { Config } from '../config/schema.ts';
import { findWarnings } from '../config/warnings.ts';

/**
 * `tallystick config validate`.
 *
 * @returns the exit code. With `json`, a configuration that is not valid is described in the output, with exit code 1
 * @throws {ConfigError} with the path and the expected value of each problem
 */
export async function validate(source: ConfigSource, { json }: { readonly json: boolean }): Promise<number> {
  const file = sourceName(source);
  try {
    const config = await check(source);
    if (json) console.log(JSON.stringify({ valid: true, file, ...summarize(config) }, null, 2));
    else printSummary(file, config);
    return 0;
  } catch (error) {
    if (!json || !(error instanceof ConfigError)) throw error;
    console.log(JSON.stringify({ valid: false, file, problems: error.problems }, null, 2));
    return 1;
  }
}

async function check(source: ConfigSource): Promise<Config> {
  const config = await readConfig(source, process.env);
  if (config.tls) await (await import('../run/tls/open_tls.ts')).checkTlsFiles(config);
  // Loaded here because `config schema` needs none of it.
  const { checkAuthorizationServer } = await import('../run/authorization_server.ts');
  const { createLog } = await import('../run/dependencies.ts');
  const { checkGateway } = await import('../run/gateway.ts');
  const { checkSampleApi } = await import('../run/sample_api.ts');
  const log = createLog('silent');
  await checkAuthorizationServer(config, log);
  await checkGateway(config, log);
  checkSampleApi(config);
  return config;
}

function summarize(config: Config) {
  return {
    apis: config.apis.map(({ resource, accessTokens }) => ({ resource, accessTokens })),
    clients: config.clients.filter((client) => !isOwnClient(client)).length,
    users: config.users.length,
    warnings: findWarnings(config),
  };
}

function printSummary(file: string, config: Config): void {
  const { apis, clients, users, warnings } = summarize(config);
  const counts = [count(apis.length, 'API'), count(clients, 'client'), count(users, 'user')];
  console.log(`${file} is valid: ${counts.join(', ')}`);
  for (const { resource, accessTokens } of apis) console.log(`  ${resource} (${accessTokens})`);
  for (const { path, message } of warnings) console.log(`warning: ${path}: ${message}`);
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

/** `tallystick config schema`. */
export function schema(): number {
  console.log(JSON.stringify(jsonSchema(), null, 2));
  return 0;
}
