import { validate } from '@tallystick/common/config';
import type { z } from 'zod';
import { pathText } from '../config/config_error.ts';
import { problemsOf } from '../config/problem.ts';

/** What a caller gave cannot be used; nothing was changed. */
export class InputError extends Error {
  readonly code = 'invalid_request';
  override name = 'InputError';
  /** Where the offending value is: `faults[0].status`. Empty for the whole. */
  readonly path: string;

  constructor(path: string, message: string) {
    super(message);
    this.path = path;
  }
}

/** @throws {InputError} that names the first value that does not fit */
export function checkInput<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const result = validate(schema, input);
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    const [problem] = problemsOf(issue, schema);
    if (problem) throw new InputError(pathText(problem.path), `${problem.expected}; found ${problem.found}`);
  }
  throw new InputError('', 'the input does not fit');
}
