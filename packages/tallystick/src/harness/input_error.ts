import { WrongClientError, WrongKeyError, WrongUserError } from '@tallystick/authorization-server';
import { validate } from '@tallystick/common/config';
import type { z } from 'zod';
import { ConfigError, pathText } from '../config/config_error.ts';
import { problemsOf } from '../config/problem.ts';

/** The input of a caller is not valid. Nothing was changed. */
export class InputError extends Error {
  readonly code = 'invalid_request';
  override name = 'InputError';
  /** Path of the wrong value, such as `faults[0].status`. Empty if the whole input is wrong. */
  readonly path: string;
  /** What is wrong with the value. The message of the error has the path in front of it. */
  readonly problem: string;

  constructor(path: string, problem: string) {
    super(path === '' ? problem : `${path}: ${problem}`);
    this.path = path;
    this.problem = problem;
  }
}

/** Validates an input. @throws {InputError} for the first wrong value */
export function checkInput<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const result = validate(schema, input);
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    const [problem] = problemsOf(issue, schema);
    if (problem) throw new InputError(pathText(problem.path), `${problem.expected}; found ${problem.found}`);
  }
  throw new InputError('', 'the input is not valid');
}

/**
 * Turns an error of the authorization server into a configuration problem with its path. Some problems are found only there:
 * oidc-provider checks a client's metadata, and signing checks the key.
 *
 * @param within path of the section, such as `tenants[0]`; may be empty
 */
export function toConfigError(error: unknown, within = ''): unknown {
  const path = within === '' ? '' : `${within}.`;
  if (error instanceof WrongClientError || error instanceof WrongUserError) {
    return new ConfigError('the configuration', [`${path}${pathOf(error)}: ${error.message}`]);
  }
  if (error instanceof InputError)
    return new ConfigError('the configuration', [`${path}${error.path}: ${error.problem}`]);
  if (error instanceof WrongKeyError) {
    return new ConfigError('the configuration', [`authorizationServer.signingKey: ${error.message}`]);
  }
  return error;
}

/** The same for input at run time. */
export function toInputError(error: unknown): unknown {
  const isInputProblem = error instanceof WrongClientError || error instanceof WrongUserError;
  return isInputProblem ? new InputError(pathOf(error), error.message) : error;
}

/** The same for a single client or user. */
export function toEntryError(error: unknown): unknown {
  if (error instanceof WrongClientError) return new InputError(error.field, error.message);
  return error instanceof WrongUserError ? new InputError('id', error.message) : error;
}

function pathOf(error: WrongClientError | WrongUserError): string {
  return error instanceof WrongUserError ? `users[${error.index}].id` : `clients[${error.index}].${error.field}`;
}
