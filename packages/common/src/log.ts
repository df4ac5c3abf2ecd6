/** The log of a server: the methods of a pino logger that are used. It never receives tokens, only token keys. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Number of stack frames that are logged. */
const FRAMES = 5;

/** Log fields of an error: its name and stack frames. Its message is left out, because it may quote client input. */
export function errorFields(error: unknown): { readonly error: string; readonly at?: readonly string[] } {
  if (!(error instanceof Error)) return { error: typeof error };
  const { name, message, stack = '' } = error;
  // The stack begins with the message, which may contain lines that look like stack frames.
  const calls = stack.slice(Math.max(0, stack.indexOf(message)) + message.length);
  const frames = calls.split('\n').filter((line) => line.trim().startsWith('at '));
  return { error: name, at: frames.slice(0, FRAMES) };
}
