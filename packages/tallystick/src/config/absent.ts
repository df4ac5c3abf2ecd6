import { authorizationServerConfig } from '@tallystick/authorization-server/config';
import { gateway, introspectionClient } from '@tallystick/gateway/config';
import type { z } from 'zod';
import { sampleApi } from './sample_api.ts';

/** Stand-ins for sections that a role does without. */
const absent = new WeakSet<object>();

/** Whether a section of a checked configuration was not given, because the role does without it. */
export function isAbsent(section: object): boolean {
  return absent.has(section);
}

/** A configuration as it was given: without stand-ins. */
export function withoutAbsent<Sections extends object>(config: Sections): Partial<Sections> {
  const given = Object.entries(config).filter(([, section]) => typeof section !== 'object' || !isAbsent(section));
  return Object.fromEntries(given) as Partial<Sections>;
}

const absentClient = () => standIn(introspectionClient, { id: 'absent', secret: 'absent' });

/** Sections of which a role needs nothing, or no more than what is left required. */
export const optionalSections = {
  /** The sample API reads its routes here, and never calls anybody as the gateway. */
  gateway: gateway
    .extend({ client: introspectionClient.default(absentClient).describe("The gateway's own client.") })
    .default(() => {
      const route = { prefix: '/', public: true, upstream: 'http://localhost' } as const;
      const checked = gateway.parse({ client: { id: 'absent', secret: 'absent' }, routes: [route] }, { jitless: true });
      return marked({ ...checked, routes: [] });
    }),
  clients: authorizationServerConfig.shape.clients.default(() => marked([])),
  sampleApi: sampleApi.default(() => standIn(sampleApi, { client: { id: 'absent', secret: 'absent' } })),
};

function standIn<Schema extends z.ZodType<object>>(schema: Schema, input: z.input<Schema>): z.output<Schema> {
  return marked(schema.parse(input, { jitless: true }));
}

function marked<Section extends object>(section: Section): Section {
  absent.add(section);
  return section;
}
