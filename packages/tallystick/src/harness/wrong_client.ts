import { WrongClientError, WrongKeyError, WrongUserError } from '@tallystick/authorization-server';
import { ConfigError } from '../config/config_error.ts';
import { InputError } from './input_error.ts';

/**
 * What the authorization server says of its configuration, where a person looks for it. Only oidc-provider can tell
 * whether a client's metadata fits together, and only who signs whether a key does.
 *
 * @param within the path of the part of the configuration: `tenants[0]`, or empty
 */
export function asConfigError(error: unknown, within = ''): unknown {
  const path = within === '' ? '' : `${within}.`;
  if (error instanceof WrongClientError || error instanceof WrongUserError) {
    return new ConfigError('the configuration', [`${path}${pathOf(error)}: ${error.message}`]);
  }
  if (error instanceof WrongKeyError) {
    return new ConfigError('the configuration', [`authorizationServer.signingKey: ${error.message}`]);
  }
  return error;
}

/** The same for what was given while everything runs. */
export function asInputError(error: unknown): unknown {
  const isWrong = error instanceof WrongClientError || error instanceof WrongUserError;
  return isWrong ? new InputError(pathOf(error), error.message) : error;
}

/** The same for an entry that was given by itself. */
export function asEntryError(error: unknown): unknown {
  if (error instanceof WrongClientError) return new InputError('metadata', error.message);
  return error instanceof WrongUserError ? new InputError('id', error.message) : error;
}

function pathOf(error: WrongClientError | WrongUserError): string {
  return error instanceof WrongUserError ? `users[${error.index}].id` : `clients[${error.index}].metadata`;
}
