/** Where a server writes what happens: the methods of a pino logger that are used. No token is ever passed to it, only token keys. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** How many calls of the stack are logged. */
const FRAMES = 5;

/** An error for a log: its name and where it was thrown. Its message is left out: it may quote what a client sent. */
export function errorFields(error: unknown): { readonly error: string; readonly at?: readonly string[] } {
  if (!(error instanceof Error)) return { error: typeof error };
  const { name, message, stack = '' } = error;
  // The stack begins with the message, which may have lines that look like calls.
  const calls = stack.slice(Math.max(0, stack.indexOf(message)) + message.length);
  const frames = calls.split('\n').filter((line) => line.trim().startsWith('at '));
  return { error: name, at: frames.slice(0, FRAMES) };
}
