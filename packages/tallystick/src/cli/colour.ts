import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];

/** Colours text where the terminal shows colours; `NO_COLOR` and pipes get it plain. */
export function colour(format: Format, text: string): string {
  return process.stdout.isTTY && !process.env.NO_COLOR ? styleText(format, text) : text;
}
