import { z } from 'zod';

/** A resource indicator (RFC 8707). */
export const resource = z
  .url()
  .describe('Resource indicator (RFC 8707): an absolute URI that names the API; the JWT carries it as `aud`.');

/** Scope tokens (RFC 6749 section 3.3). */
export const scopes = z.array(
  z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, { error: 'expected a scope token (RFC 6749 section 3.3)' }),
);
