import { authorizationServerConfig } from '@tallystick/authorization-server/config';
import { gateway, introspectionClient } from '@tallystick/gateway/config';
import type { z } from 'zod';
import { sampleApi } from './sample_api.ts';

/** Placeholders for sections that a role does not need. */
const absent = new WeakSet<object>();

/** Whether a section is a placeholder, because the role does not need it and it was not given. */
export function isAbsent(section: object): boolean {
  return absent.has(section);
}

/** A configuration without its placeholders. */
export function withoutAbsent<Sections extends object>(config: Sections): Partial<Sections> {
  const given = Object.entries(config).filter(([, section]) => typeof section !== 'object' || !isAbsent(section));
  return Object.fromEntries(given) as Partial<Sections>;
}

const absentClient = () => placeholder(introspectionClient, { id: 'absent', secret: 'absent' });

/** Sections that are optional for some roles. */
export const optionalSections = {
  /** The sample API reads its routes here. It does not use the gateway's client. */
  gateway: gateway
    .extend({ client: introspectionClient.default(absentClient).describe("The gateway's own client.") })
    .default(() => {
      const route = { prefix: '/', public: true, upstream: 'http://localhost' } as const;
      const checked = gateway.parse({ client: { id: 'absent', secret: 'absent' }, routes: [route] }, { jitless: true });
      return marked({ ...checked, routes: [] });
    }),
  clients: authorizationServerConfig.shape.clients.default(() => marked([])),
  sampleApi: sampleApi.default(() => placeholder(sampleApi, { client: { id: 'absent', secret: 'absent' } })),
};

function placeholder<Schema extends z.ZodType<object>>(schema: Schema, input: z.input<Schema>): z.output<Schema> {
  return marked(schema.parse(input, { jitless: true }));
}

function marked<Section extends object>(section: Section): Section {
  absent.add(section);
  return section;
}
