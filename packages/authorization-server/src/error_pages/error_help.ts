import type { AuthorizationServerConfig } from '../config/config.ts';

/** What a client or user gets to know of an error. */
export interface ShownError {
  readonly error: string;
  readonly error_description?: string | undefined;
}

/** What an error page says about a refused request. */
export interface ErrorHelp {
  readonly title: string;
  readonly explanation: string;
  /** The parameters that the request was refused for. */
  readonly sent?: readonly Fact[];
  readonly next: string;
  readonly link?: { readonly href: string; readonly label: string } | undefined;
  /** Only for the page of a development issuer. */
  readonly development?: DevelopmentHelp | undefined;
}

export interface Fact {
  readonly name: string;
  readonly value: string;
}

/** What is configured, and the configuration line to change. Never contains a secret. */
export interface DevelopmentHelp {
  readonly configured?: { readonly label: string; readonly values: readonly string[] };
  /** The configured value that was probably meant. */
  readonly suggestion?: string | undefined;
  readonly hint?: string | undefined;
  /** Lines of the configuration file. */
  readonly configuration?: string;
}

/** A request that the server refused. */
export interface RefusedRequest {
  readonly error: string;
  readonly description: string;
  /** What oidc-provider tells operators only. */
  readonly detail: string;
  readonly route: string | undefined;
  /** The client that the request names, known or not. */
  readonly clientId: string | undefined;
  /** The known client. */
  readonly client: KnownClient | undefined;
  readonly status: number;
  readonly host: string;
  /** Below the issuer. */
  readonly path: string;
  readonly config: ErrorPageConfig;
  /** A parameter, bounded and without what may be a token or a secret. */
  parameter(name: string): string | undefined;
}

/** The parts of oidc-provider's client that pages name. */
export interface KnownClient {
  readonly clientId: string;
  readonly redirectUris?: readonly string[];
  readonly postLogoutRedirectUris?: readonly string[];
  readonly responseTypes?: readonly string[];
  readonly clientAuthMethod?: string;
  readonly applicationType?: string;
}

export type ErrorPageConfig = Pick<
  AuthorizationServerConfig,
  'issuer' | 'clients' | 'apis' | 'scopes' | 'users' | 'features'
>;

/** @returns help if the request was refused for this reason */
export type Explanation = (request: RefusedRequest) => ErrorHelp | undefined;

/** The parameters that the request has, of the given ones. */
export function sentBy({ parameter }: RefusedRequest, ...names: readonly string[]): Fact[] {
  return names.flatMap((name) => {
    const value = parameter(name);
    return value === undefined ? [] : [{ name, value }];
  });
}
