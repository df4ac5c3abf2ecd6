import { jsonSchema } from '../config/config_schema.ts';
import { loadConfig } from '../config/load_config.ts';
import { findWarnings } from '../config/warnings.ts';

/** `tallystick config validate`. @throws {ConfigError} with the path and the expected value of each problem */
export async function validate(file: string): Promise<number> {
  const config = await loadConfig(file, process.env);
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
  const styles = config.apis.map((api) => `${api.resource} (${api.accessTokens})`);
  console.log(
    `${file} is valid: ${styles.length} APIs, ${config.clients.length} clients, ${config.users.length} users`,
  );
  for (const style of styles) console.log(`  ${style}`);
  for (const { path, message } of findWarnings(config)) console.log(`warning: ${path}: ${message}`);
  return 0;
}

/** `tallystick config schema`. */
export function schema(): number {
  console.log(JSON.stringify(jsonSchema(), null, 2));
  return 0;
}
