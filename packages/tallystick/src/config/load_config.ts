import { readFile } from 'node:fs/promises';
import { validate } from '@tallystick/common/config';
import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { ConfigError, describeProblem } from './config_error.ts';
import { schemaFor } from './config_schema.ts';
import { applyEnvironment, variableOf } from './environment_overrides.ts';
import { type Problem, problemsOf } from './problem.ts';
import type { Role } from './role.ts';
import { type Config, type ConfigInput, type ConfigSections, configSections } from './schema.ts';

/**
 * Reads a configuration file in YAML or JSON, and applies the environment variables.
 *
 * @param role the only role of the process, which needs no sections of the others; default: all roles
 * @throws {ConfigError} the file cannot be read, is not YAML, or has a wrong value
 */
export async function loadConfig(file: string, environment: NodeJS.ProcessEnv = {}, role?: Role): Promise<Config> {
  return checkDocument(readDocument(await readConfigFile(file), file), file, environment, role);
}

/** @throws {ConfigError} the file cannot be read */
export async function readConfigFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new ConfigError(file, [`the file cannot be read: ${(error as { code?: string }).code}`]);
  }
}

/**
 * Applies the environment variables to a configuration, checks it and fills in the defaults.
 *
 * @param source name of the configuration in errors
 * @throws {ConfigError}
 */
export function checkDocument(document: unknown, source: string, environment: NodeJS.ProcessEnv, role?: Role): Config {
  return check(withEnvironment(document, source, environment), source, environment, schemaFor(role));
}

/** As {@link checkDocument}, without the references between sections and the defaults that depend on others. @throws {ConfigError} */
export function checkSections(document: unknown, source: string, environment: NodeJS.ProcessEnv): ConfigSections {
  return check(withEnvironment(document, source, environment), source, environment, configSections);
}

function withEnvironment(document: unknown, source: string, environment: NodeJS.ProcessEnv): unknown {
  const { config, problems } = applyEnvironment(document, environment);
  if (problems.length > 0) throw new ConfigError(source, problems);
  return config;
}

/**
 * Reads YAML or JSON. Errors give position and kind only: pretty errors would quote the text, which may contain secrets.
 *
 * @param file name of the document in errors
 * @throws {ConfigError}
 */
export function readDocument(text: string, file: string): unknown {
  const document = parseDocument(text, { prettyErrors: false });
  const placeOf = (position: number) => {
    const lines = text.slice(0, position).split('\n');
    return `line ${lines.length}, column ${(lines.at(-1) ?? '').length + 1}`;
  };
  if (document.errors.length > 0) {
    const describe = ({ pos, message }: { pos: readonly [number, number]; message: string }) =>
      `${placeOf(pos[0])}: expected YAML or JSON; found a syntax error: ${message}`;
    throw new ConfigError(file, document.errors.map(describe));
  }
  try {
    return document.toJS();
  } catch {
    throw new ConfigError(file, ['YAML alias refers to an unknown anchor, or there are too many aliases']);
  }
}

/**
 * Checks a configuration and fills in the defaults.
 *
 * @param source name of the configuration in errors
 * @throws {ConfigError}
 */
export function checkConfig(config: ConfigInput | unknown, source = 'the configuration'): Config {
  return check(config, source, {}, schemaFor(undefined));
}

function check<Schema extends z.ZodType>(
  config: unknown,
  source: string,
  environment: NodeJS.ProcessEnv,
  schema: Schema,
): z.output<Schema> {
  const result = validate(schema, config);
  if (result.success) return result.data;
  const problems = result.error.issues.flatMap((issue) => problemsOf(issue, schema));
  const describe = (problem: Problem) => {
    const variable = variableOf(problem.path, environment);
    return describeProblem(problem) + (variable === undefined ? '' : ` in ${variable}`);
  };
  throw new ConfigError(source, [...new Set(problems.map(describe))]);
}
