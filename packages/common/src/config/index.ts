export * from './refuse.ts';
export { validate } from './validate.ts';
export * from './values.ts';
