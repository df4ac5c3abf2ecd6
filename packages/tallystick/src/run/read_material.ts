import { readPem } from '@tallystick/common';
import { ConfigError, pathText } from '../config/config_error.ts';

/** Where a value is in the configuration. */
export type Path = readonly (string | number)[];

/**
 * Reads a key or a certificate. What is not PEM or JSON itself is the name of a file that holds it.
 *
 * @throws {ConfigError} the file cannot be read
 */
export async function readMaterial(path: Path, given = ''): Promise<string> {
  if (given.trimStart().startsWith('{')) return given;
  try {
    return await readPem(given);
  } catch {
    throw wrong(path, 'expected PEM or JWK, or a file that can be read');
  }
}

/** @returns what is wrong with a value of the configuration */
export function wrong(path: Path, what: string): ConfigError {
  return new ConfigError('the configuration', [`${pathText(path)}: ${what}`]);
}
