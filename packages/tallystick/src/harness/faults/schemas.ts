import { TOKEN } from '@tallystick/common';
import { z } from 'zod';
import { ENDPOINTS } from './endpoint.ts';

/** What decides where a message ends is the server's own to say (RFC 9112 section 6). */
const FRAMING = ['connection', 'content-length', 'keep-alive', 'trailer', 'transfer-encoding', 'upgrade'];

export const endpointSchema = z.enum(ENDPOINTS);
const status = z.int().min(200).max(599);
const headerValue = z.string().regex(/^[ -~]*$/, { error: 'expected printable ASCII' });
const headerName = z
  .string()
  .regex(TOKEN, { error: 'expected a header name (RFC 9110 section 5.1)' })
  .refine((name) => !FRAMING.includes(name.toLowerCase()), { error: 'expected a header that does not frame the body' });

const faultFields = z.strictObject({
  endpoint: endpointSchema,
  status: status.optional().describe('Answer with this status, without doing what was asked.'),
  delay: z.int().min(1).max(600_000).optional().describe('Milliseconds to wait first.'),
  drop: z.literal(true).optional().describe('Cut the connection instead of answering.'),
  body: z.literal('malformed').optional().describe('Only the first half of the body.'),
  contentType: headerValue.min(1).optional().describe('In place of the right one.'),
  calls: z.int().positive().optional().describe('How many calls it strikes. Default: all.'),
  fraction: z.number().gt(0).max(1).optional().describe('How many of all calls it strikes, by chance.'),
  clientId: z.string().min(1).optional().describe('Only calls of this client (HTTP Basic or `client_id`).'),
});

export const faultSchema = faultFields
  .refine((fault) => fault.status ?? fault.delay ?? fault.drop ?? fault.body ?? fault.contentType, {
    error: 'expected at least one of status, delay, drop, body, contentType',
  })
  .refine((fault) => !fault.drop || !(fault.status || fault.body || fault.contentType), {
    path: ['drop'],
    error: 'expected no status, body or contentType beside it: there is no answer',
  })
  .refine((fault) => fault.fraction === undefined || fault.calls === undefined, {
    path: ['fraction'],
    error: 'expected no calls beside it',
  });

export const activeFaultSchema = faultFields.extend({
  id: z.string(),
  remaining: z.int().optional().describe('How many calls it will still strike; absent when there is no end.'),
});

export const scriptedAnswerSchema = z.strictObject({
  endpoint: endpointSchema,
  status: status.default(200),
  headers: z.record(headerName, headerValue).default({}),
  body: z
    .union([z.string(), z.record(z.string(), z.unknown()), z.array(z.unknown())])
    .default('')
    .describe('Text as it is; an object or array as JSON.'),
});

export type FaultInput = z.input<typeof faultSchema>;
export type Fault = z.output<typeof faultSchema>;
export type ScriptedAnswerInput = z.input<typeof scriptedAnswerSchema>;
export type ScriptedAnswer = z.output<typeof scriptedAnswerSchema>;
