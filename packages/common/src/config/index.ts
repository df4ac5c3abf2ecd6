export type { DeepReadonly, ReadonlyOutput } from './readonly_output.ts';
export * from './refuse.ts';
export { validate } from './validate.ts';
export * from './values.ts';
