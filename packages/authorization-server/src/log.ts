/** Where the server writes what happens: pino's methods. No token is ever passed to it, only shortened token keys. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
