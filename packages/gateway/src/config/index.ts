export { gateway } from './gateway.ts';
export { checkIntrospection, introspectionClient } from './introspection.ts';
