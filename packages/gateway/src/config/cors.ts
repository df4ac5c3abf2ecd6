import { TOKEN } from '@tallystick/common';
import { httpMethod, origin } from '@tallystick/common/config';
import { z } from 'zod';

const error = 'expected a header name';
const headerName = z
  .string()
  .regex(TOKEN, { error })
  .regex(/^[^*]*$/, { error });

const pageOrigin = origin.refine((value) => !value.includes('*'), { error: 'expected an origin, without a pattern' });

/** Which web pages of other origins may call an API (Fetch standard, section 3.2). */
export const cors = z
  .strictObject({
    origins: z
      .array(z.union([z.literal('*'), z.literal('null'), pageOrigin]))
      .min(1)
      .describe('Origins such as https://app.example.com; or `*` alone, for all but the opaque origin `null`.'),
    methods: z.array(httpMethod).optional().describe('Default: GET, HEAD, POST, PUT, PATCH, DELETE.'),
    headers: z.array(headerName).optional().describe('Request headers. Default: Authorization, Content-Type, DPoP.'),
    exposeHeaders: z
      .array(headerName)
      .optional()
      .describe('Response headers that a page may read, besides WWW-Authenticate and DPoP-Nonce.'),
    credentials: z.boolean().default(false).describe('Whether cookies come along; not with `*`.'),
    maxAge: z.int().min(0).default(600).describe('Seconds for which a browser remembers what may be sent.'),
  })
  .refine(({ origins }) => !origins.includes('*') || origins.length === 1, {
    path: ['origins'],
    error: 'expected `*` alone, or a list of origins',
  })
  .refine(({ origins, credentials }) => !credentials || !(origins.includes('*') || origins.includes('null')), {
    path: ['origins'],
    error: 'expected a list of origins, without `*` or `null`, where credentials is true',
  });
