import type { ConfigInput } from './schema.ts';

/** tallystick.config.yaml of the repository, which `npm run generate` writes here. */
export const demoConfig: ConfigInput = {
  issuer: 'http://localhost:4000',
  allowedHosts: ['gateway-1', 'gateway-2', 'tallystick', 'api'],
  store: {
    url: 'memory:',
  },
  authorizationServer: {
    port: 4000,
  },
  apis: [
    {
      resource: 'https://api.example.com/jwt',
      accessTokens: 'jwt',
      scopes: ['read', 'write'],
      claims: ['email', 'ssn', 'role'],
      authorizationDetailsTypes: ['payment'],
    },
    {
      resource: 'https://api.example.com/opaque',
      accessTokens: 'opaque',
      scopes: ['read', 'write'],
      claims: ['email', 'ssn', 'role'],
      authorizationDetailsTypes: ['payment'],
    },
    {
      resource: 'https://api.example.com/phantom',
      accessTokens: 'phantom',
      scopes: ['read', 'write'],
      claims: ['email', 'ssn', 'role'],
      authorizationDetailsTypes: ['payment'],
    },
    {
      resource: 'https://api.example.com/split',
      accessTokens: 'split',
      scopes: ['read', 'write'],
      claims: ['email', 'ssn', 'role'],
      authorizationDetailsTypes: ['payment'],
    },
  ],
  gateway: {
    port: 4100,
    client: {
      id: 'gateway',
      secret: 'gateway-secret',
    },
    routes: [
      {
        prefix: '/jwt',
        api: 'https://api.example.com/jwt',
        scopes: {
          GET: ['read'],
          HEAD: ['read'],
          '*': ['write'],
        },
      },
      {
        prefix: '/opaque',
        api: 'https://api.example.com/opaque',
        scopes: {
          GET: ['read'],
          HEAD: ['read'],
          '*': ['write'],
        },
      },
      {
        prefix: '/phantom',
        api: 'https://api.example.com/phantom',
        scopes: {
          GET: ['read'],
          HEAD: ['read'],
          '*': ['write'],
        },
      },
      {
        prefix: '/split',
        api: 'https://api.example.com/split',
        scopes: {
          GET: ['read'],
          HEAD: ['read'],
          '*': ['write'],
        },
      },
    ],
  },
  sampleApi: {
    port: 4200,
    client: {
      id: 'orders-api',
      secret: 'orders-api-secret',
    },
  },
  clients: [
    {
      id: 'demo-service',
      secret: 'demo-service-secret',
      name: 'Demo service',
      grants: ['client_credentials'],
    },
    {
      id: 'demo-web',
      name: 'Demo web application',
      grants: ['authorization_code', 'refresh_token'],
      applicationType: 'native',
      redirectUris: ['http://localhost:4300/callback', 'http://127.0.0.1/callback'],
      postLogoutRedirectUris: ['http://localhost:4300/', 'http://127.0.0.1/'],
    },
    {
      id: 'demo-backend',
      secret: 'demo-backend-secret',
      name: 'Demo backend',
      grants: ['client_credentials', 'token_exchange'],
      tokenExchange: {
        from: [
          'https://api.example.com/jwt',
          'https://api.example.com/opaque',
          'https://api.example.com/phantom',
          'https://api.example.com/split',
        ],
        to: [
          'https://api.example.com/jwt',
          'https://api.example.com/opaque',
          'https://api.example.com/phantom',
          'https://api.example.com/split',
        ],
        impersonates: true,
      },
    },
    {
      id: 'demo-tv',
      name: 'Demo television',
      grants: ['device_code', 'refresh_token'],
    },
    {
      id: 'demo-bank',
      secret: 'demo-bank-secret',
      name: 'Demo bank',
      grants: ['ciba', 'refresh_token'],
      metadata: {
        backchannel_token_delivery_mode: 'poll',
      },
    },
    {
      id: 'gateway',
      secret: 'gateway-secret',
      name: 'The gateway',
      introspects: true,
    },
    {
      id: 'orders-api',
      secret: 'orders-api-secret',
      name: 'The sample API',
      introspects: true,
    },
  ],
  users: [
    {
      id: 'alice',
      claims: {
        name: 'Alice Adams',
        email: 'alice@example.com',
        email_verified: true,
        ssn: '078-05-1120',
        role: 'admin',
      },
    },
    {
      id: 'bob',
      claims: {
        name: 'Bob Baker',
        email: 'bob@example.com',
        email_verified: true,
        ssn: '219-09-9999',
        role: 'clerk',
      },
    },
  ],
};
