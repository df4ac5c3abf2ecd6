import { closest } from '@tallystick/common';
import { InputError } from './input_error.ts';

/** The input names something that does not exist. The message lists what exists, and suggests the name that was probably meant. */
export class UnknownNameError extends InputError {
  override name = 'UnknownNameError';
  readonly given: string;
  readonly known: readonly string[];

  /** @param kind what the name is for, such as `API` */
  constructor(path: string, kind: string, given: string, known: readonly string[]) {
    const meant = closest(given, known);
    const names = known.length === 0 ? 'none' : known.map(quote).join(', ');
    const suggestion = meant === undefined ? '' : `; did you mean ${quote(meant)}?`;
    super(path, `no ${kind} ${quote(given)}; known: ${names}${suggestion}`);
    this.message = this.problem; // It names the value already.
    this.given = given;
    this.known = known;
  }
}

function quote(text: string): string {
  return JSON.stringify(text);
}
