import { ResourceServerError } from '@tallystick/resource-server';
import type { Log } from '../log.ts';
import { InternalError } from './errors.ts';

/**
 * What was thrown on the walk, as the client gets to know it. What nobody expected is logged by its name and where it came from;
 * not by its message, which may hold anything.
 *
 * @param traceId of the request, where requests are traced
 */
export function toRefusal(thrown: unknown, log: Log, traceId?: string): ResourceServerError {
  if (thrown instanceof ResourceServerError) return thrown;
  const { name, code, stack = '' } = thrown as NodeJS.ErrnoException;
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  log.error({ name, code, frames, trace_id: traceId }, 'a fault in the gateway');
  return new InternalError('the gateway failed', { cause: thrown });
}

/** The `code` at the bottom of an error, such as `ECONNREFUSED`; for the log. */
export function causeCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { cause, code, name } = error as NodeJS.ErrnoException;
  return causeCode(cause) ?? (typeof code === 'string' ? code : name === 'TimeoutError' ? name : undefined);
}
