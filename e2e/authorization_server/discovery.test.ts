import { expect, test } from '@jest/globals';
import type { Config, ConfigInput } from 'tallystick';
import { requirement } from '../requirements/index.ts';
import { startOneProcess } from '../support/worlds/one_process.ts';

type Feature = keyof NonNullable<ConfigInput['features']>;
type Metadata = Record<string, unknown>;

/** Configured clients prevent the start if they use a grant that is disabled. */
const withoutTheirClients = ({ clients }: Config) => clients.filter(({ id }) => !/^demo-(tv|bank)$/.test(id));

/** The metadata of each feature while it is enabled. */
const SAYS: Record<Feature, (metadata: Metadata) => boolean> = {
  pushedAuthorizationRequests: (metadata) => 'pushed_authorization_request_endpoint' in metadata,
  requestObjects: (metadata) => metadata.request_parameter_supported === true,
  jwtResponseModes: (metadata) => (metadata.response_modes_supported as string[]).includes('query.jwt'),
  authorizationDetails: (metadata) => 'authorization_details_types_supported' in metadata,
  claimsParameter: (metadata) => metadata.claims_parameter_supported === true,
  deviceFlow: (metadata) => 'device_authorization_endpoint' in metadata,
  ciba: (metadata) => 'backchannel_authentication_endpoint' in metadata,
  clientRegistration: (metadata) => 'registration_endpoint' in metadata,
  clientIdMetadataDocuments: (metadata) => metadata.client_id_metadata_document_supported === true,
  pairwiseSubjects: (metadata) => (metadata.subject_types_supported as string[]).includes('pairwise'),
  backChannelLogout: (metadata) => metadata.backchannel_logout_supported === true,
  mutualTls: (metadata) => metadata.tls_client_certificate_bound_access_tokens === true,
  implicit: (metadata) => (metadata.response_types_supported as string[]).includes('id_token token'),
  dpop: (metadata) => 'dpop_signing_alg_values_supported' in metadata,
};

test.each(Object.entries(SAYS))(requirement('discovery-is-true', '%s'), async (feature, isSaid) => {
  for (const enabled of [true, false]) {
    const world = await startOneProcess((config) => ({
      ...config,
      clients: withoutTheirClients(config),
      features: { ...config.features, [feature]: enabled },
    }));
    try {
      const answer = await fetch(`${world.issuer}/.well-known/openid-configuration`);
      expect(isSaid((await answer.json()) as Metadata)).toBe(enabled);
    } finally {
      await world.stop();
    }
  }
});
