import { z } from 'zod';

export const user = z.strictObject({
  id: z
    .string()
    .min(1)
    .meta({ description: 'The `sub`, and the name at the login page.', examples: ['alice'] }),
  claims: z
    .record(z.string(), z.unknown())
    .default({})
    .meta({
      description: 'What is known about the user: OpenID Connect claims, and any others.',
      examples: [{ name: 'Alice Adams', email: 'alice@example.com', role: 'admin' }],
    }),
  password: z.string().min(1).optional().describe('For the password grant only.'),
});
