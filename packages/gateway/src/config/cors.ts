import { TOKEN } from '@tallystick/common';
import { httpMethod, origin, type ReadonlyOutput } from '@tallystick/common/config';
import { z } from 'zod';

const error = 'expected a header name';
// With credentials, `*` is a name like any other. It never stands for `Authorization`.
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
      .describe(
        'Allowed origins, such as https://app.example.com. `*` alone allows all origins except the opaque origin `null`.',
      ),
    methods: z
      .array(httpMethod)
      .default(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])
      .describe('Allowed request methods.'),
    headers: z
      .array(headerName)
      .default(['Authorization', 'Content-Type', 'DPoP'])
      .describe('Allowed request headers.'),
    exposeHeaders: z
      .array(headerName)
      .default([])
      .describe('Response headers that a page may read, in addition to WWW-Authenticate and DPoP-Nonce.'),
    credentials: z.boolean().default(false).describe('Whether browsers may send cookies. Not allowed with `*`.'),
    maxAge: z.int().min(0).default(600).describe('Seconds for which a browser may cache the answer to a preflight.'),
  })
  .refine(({ origins }) => !origins.includes('*') || origins.length === 1, {
    path: ['origins'],
    error: 'expected `*` alone, or a list of origins',
  })
  .refine(({ origins, credentials }) => !credentials || !(origins.includes('*') || origins.includes('null')), {
    path: ['origins'],
    error: 'expected a list of origins, without `*` or `null`, where credentials is true',
  });

export type CorsConfig = ReadonlyOutput<typeof cors>;
