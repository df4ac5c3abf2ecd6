import { httpUrl } from '@tallystick/common/config';
import { z } from 'zod';

/** OpenTelemetry. */
export const tracing = z.strictObject({
  endpoint: httpUrl.describe(
    'URL of the collector for OTLP over HTTP (JSON), including the path: http://collector:4318/v1/traces.',
  ),
  serviceName: z.string().min(1).default('tallystick-gateway').describe('`service.name` of the spans.'),
  sampleRatio: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe('Share of the traces beginning at the gateway that are recorded, from 0 to 1.'),
});
