import { z } from 'zod';

export const user = z.strictObject({
  id: z.string().min(1).describe('The `sub`, and the name at the login page.'),
  claims: z.record(z.string(), z.unknown()).default({}),
  password: z.string().min(1).optional().describe('For the password grant only.'),
});
