/** The access token styles, with what each is for. */
export const STYLES = {
  phantom: 'the client holds a reference, the API gets a JWT (the default choice)',
  split: "the client holds the JWT's signature, the API gets the JWT; no call to the authorization server",
  opaque: 'the client holds a reference, and the API introspects it',
  jwt: 'the client holds the JWT',
} as const;

/** The kinds of clients, with what each is. */
export const CLIENTS = {
  spa: 'a single-page application, which holds its tokens in the browser',
  web: 'a web application with a server',
  native: 'an application or a command line on a machine of its user',
  machine: 'a service without a user',
  mcp: 'an MCP client, which registers itself; the API is an MCP server',
} as const;

export type TemplateStyle = keyof typeof STYLES;
export type TemplateClient = keyof typeof CLIENTS;

export interface TemplateOptions {
  readonly style: TemplateStyle;
  readonly client: TemplateClient;
  /** Origin of the API. Default: the sample API. */
  readonly api?: string | undefined;
  /** Where an editor finds the schema: a URL or a path. */
  readonly schema: string;
  /** Secret of a client that has one. */
  readonly secret: string;
}

/** A commented configuration in YAML. */
export function configTemplate({ style, client, api, schema, secret }: TemplateOptions): string {
  const isMcp = client === 'mcp';
  // An MCP client gets one URL, which is also the name of the API (RFC 9728).
  const resource = isMcp ? 'http://localhost:4100/mcp' : (api ?? 'https://api.example.com');
  const scopes = isMcp ? '[tools]' : '[read, write]';
  return `# yaml-language-server: $schema=${schema}
#
# Every value that is not here has a default. \`tallystick config validate\` checks this file.

issuer: http://localhost:4000

apis:
  - resource: ${resource} # The \`aud\` of access tokens, and what clients send as \`resource\`.
${api === undefined ? '    # upstream: http://localhost:3000 # Your API. Without it, the sample API answers with the request that it gets.\n' : `    upstream: ${api}\n`}    # ${STYLES[style]}
    accessTokens: ${style} # ${Object.keys(STYLES).join(', ')}
    scopes: ${scopes}
    # accessTokenLifetime: 300 # seconds
    # claims: [email] # claims of the user in access tokens

gateway:
  port: 4100
${gatewayOf(client, resource)}
clients:${clientsOf(client, secret)}
# The login page offers these users, and takes any other name.
users:
  - id: alice
    claims: { name: Alice Adams, email: alice@example.com }
  - id: bob
    claims: { name: Bob Baker, email: bob@example.com }

# Tests control a running Tallystick over HTTP: faults, time, tokens without a flow.
# controlApi: { enabled: true }
`;
}

function gatewayOf(client: TemplateClient, resource: string): string {
  if (client === 'mcp') {
    return `  publicUrl: http://localhost:4100
  routes:
    - prefix: /mcp
      api: ${resource}
      scopes: { "*": [tools] } # The scopes that a method needs; \`*\` stands for all others.
`;
  }
  const pages = '  cors: { origins: [http://localhost:5173] } # Pages that may call the API.\n';
  return `${client === 'spa' ? pages : ''}  # Without routes, the API gets every path, and every method needs one of its scopes.
  # routes:
  #   - prefix: /orders
  #     api: ${resource}
  #     scopes: { GET: [read], "*": [write] }
`;
}

function clientsOf(client: TemplateClient, secret: string): string {
  switch (client) {
    case 'spa':
      return publicClient('spa', ['http://localhost:5173/callback'], ['http://localhost:5173/']);
    case 'native':
      return publicClient(
        'native',
        ['http://127.0.0.1/callback'],
        ['http://127.0.0.1/'],
        '    applicationType: native # any port of this machine\n',
      );
    case 'web':
      return `
  - id: web
    secret: ${secret}
    grants: [authorization_code, refresh_token]
    redirectUris: [http://localhost:8080/callback]
    postLogoutRedirectUris: [http://localhost:8080/]
`;
    case 'machine':
      return `
  - id: machine
    secret: ${secret}
    grants: [client_credentials]
`;
    case 'mcp':
      return ' [] # MCP clients register themselves (RFC 7591), or are known by the URL of their metadata.\n';
  }
}

function publicClient(id: string, redirectUris: string[], afterLogout: string[], more = ''): string {
  return `
  - id: ${id} # without a secret: it uses PKCE
    grants: [authorization_code, refresh_token]
${more}    redirectUris: [${redirectUris.join(', ')}]
    postLogoutRedirectUris: [${afterLogout.join(', ')}]
`;
}
