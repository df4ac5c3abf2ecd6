import { describe, expect, test } from '@jest/globals';
import { metadataPath, protectedResourceMetadata } from './protected_resource_metadata.ts';

describe('protected resource metadata', () => {
  test('names the resource and its authorization servers', () => {
    const document = protectedResourceMetadata({
      resource: 'https://api.example.com/orders',
      authorizationServers: ['https://login.example.com'],
      scopesSupported: ['read', 'write'],
      resourceName: 'Orders',
      resourceDocumentation: 'https://api.example.com/docs',
      dpopSigningAlgorithms: ['ES256'],
      dpopRequired: true,
      certificateBoundTokens: true,
    });
    expect(document).toEqual({
      resource: 'https://api.example.com/orders',
      authorization_servers: ['https://login.example.com'],
      bearer_methods_supported: ['header'],
      scopes_supported: ['read', 'write'],
      resource_name: 'Orders',
      resource_documentation: 'https://api.example.com/docs',
      dpop_signing_alg_values_supported: ['ES256'],
      dpop_bound_access_tokens_required: true,
      tls_client_certificate_bound_access_tokens: true,
    });
  });

  test('omits members without a value', () => {
    const document = protectedResourceMetadata({
      resource: 'https://api.example.com',
      authorizationServers: ['https://login.example.com'],
    });
    expect(Object.keys(document)).toEqual(['resource', 'authorization_servers', 'bearer_methods_supported']);
  });

  test('needs an authorization server', () => {
    const options = { resource: 'https://api.example.com', authorizationServers: [] };
    expect(() => protectedResourceMetadata(options)).toThrow(TypeError);
  });

  test.each([
    ['https://api.example.com', '/.well-known/oauth-protected-resource'],
    ['https://api.example.com/', '/.well-known/oauth-protected-resource'],
    ['https://api.example.com/orders', '/.well-known/oauth-protected-resource/orders'],
    ['https://api.example.com/orders/v1/', '/.well-known/oauth-protected-resource/orders/v1/'],
    ['https://api.example.com/?tenant=1', '/.well-known/oauth-protected-resource?tenant=1'],
    ['https://api.example.com/orders?tenant=1', '/.well-known/oauth-protected-resource/orders?tenant=1'],
  ])('of %s is served at %s', (resource, path) => {
    expect(metadataPath(resource)).toBe(path);
  });

  test.each(['', 'orders', 'urn:example:orders', 'https://api.example.com/#a'])(
    'is refused for the resource %j',
    (resource) => {
      expect(() => metadataPath(resource)).toThrow(TypeError);
    },
  );
});
