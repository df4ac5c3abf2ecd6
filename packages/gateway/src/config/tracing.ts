import { httpUrl } from '@tallystick/common/config';
import { z } from 'zod';

/** OpenTelemetry. */
export const tracing = z.strictObject({
  endpoint: httpUrl.describe(
    'Where spans are sent as OTLP over HTTP (JSON), with the path: http://collector:4318/v1/traces.',
  ),
  serviceName: z.string().min(1).default('tallystick-gateway').describe('`service.name` of the spans.'),
  sampleRatio: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe('The part of the traces that is recorded, of those that begin here; 1 for all.'),
});
