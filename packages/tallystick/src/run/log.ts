import pino, { type Logger } from 'pino';
import type { Config } from '../config/schema.ts';

/** A log of JSON lines on standard error, so that standard output stays for what a person reads. */
export function createLog(level: Config['log']['level']): Logger {
  return pino({ level, base: null }, pino.destination({ dest: 2, sync: true }));
}
