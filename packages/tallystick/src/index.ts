export { ConfigError } from './config/config_error.ts';
export { jsonSchema } from './config/json_schema.ts';
export { checkConfig, loadConfig } from './config/load_config.ts';
export type { Config, ConfigInput, TenantInput } from './config/schema.ts';
export { type StartOptions, startTallystick, type Tallystick } from './start_tallystick.ts';
export type { Tenants } from './tenants.ts';
