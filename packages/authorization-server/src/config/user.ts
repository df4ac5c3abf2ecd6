import { type RefusedClaim, refusedClaim } from '@tallystick/common';
import { z } from 'zod';

const EXPECTED: Record<RefusedClaim['reason'], string> = {
  'set by the server': 'expected another claim: the server sets this one itself',
  'inherited name': 'expected another name',
  'too deep': 'expected fewer levels of nested objects and lists',
};

/** Checked before parsing, because zod drops a property named `__proto__`. */
const claims = z.preprocess((given: Record<string, unknown> | undefined, context) => {
  const refused = typeof given === 'object' && given !== null ? refusedClaim(given) : undefined;
  if (refused) {
    const message = EXPECTED[refused.reason];
    context.addIssue({ code: 'custom', path: [...refused.path], message, input: refused.path.at(-1) });
  }
  return given;
}, z.record(z.string(), z.unknown()).default({}));

export const user = z.strictObject({
  id: z
    .string()
    .min(1)
    .meta({ description: 'The `sub`, and the name to pick or type at the login page.', examples: ['alice'] }),
  claims: claims.meta({
    description: 'Claims about the user: OpenID Connect claims and any others.',
    examples: [{ name: 'Alice Adams', email: 'alice@example.com', role: 'admin' }],
  }),
  password: z.string().min(1).optional().describe('For the password grant only.'),
});
