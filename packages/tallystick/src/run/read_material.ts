import { readPem } from '@tallystick/common';
import { material } from '@tallystick/common/config';
import type { z } from 'zod';
import { ConfigError, pathText } from '../config/config_error.ts';

type Path = readonly (string | number)[];

/**
 * Reads the keys and certificates of a section: replaces each file name by the content of the file. Only values whose schema is
 * `material` can be file names.
 *
 * @param schema of the section
 * @param path of the section
 * @returns a copy of the section
 * @throws {ConfigError} a file cannot be read
 */
export async function readMaterials<Section>(schema: z.core.$ZodType, section: Section, path: Path): Promise<Section> {
  return (await read(schema, section, path)) as Section;
}

async function read(schema: z.core.$ZodType, value: unknown, path: Path): Promise<unknown> {
  if (value === undefined || schema === (material as z.core.$ZodType)) {
    return value === undefined ? undefined : readMaterial(path, String(value));
  }
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'optional':
    case 'default':
    case 'prefault':
      return read(def.innerType, value, path);
    case 'array':
      return Promise.all((value as unknown[]).map((entry, index) => read(def.element, entry, [...path, index])));
    case 'object': {
      const members = Object.entries(value as object).map(async ([name, member]) => {
        const shape = def.shape[name];
        return [name, shape === undefined ? member : await read(shape, member, [...path, name])] as const;
      });
      return Object.fromEntries(await Promise.all(members));
    }
    default:
      return value;
  }
}

/**
 * Reads a key or a certificate. A value that is not PEM or JSON is the name of a file.
 *
 * @throws {ConfigError} the file cannot be read
 */
async function readMaterial(path: Path, given: string): Promise<string> {
  if (given.trimStart().startsWith('{')) return given;
  try {
    return await readPem(given);
  } catch {
    const problem = `${pathText(path)}: expected PEM or JWK, or a file that can be read`;
    throw new ConfigError('the configuration', [problem]);
  }
}
