import type { ConfigInput } from 'tallystick';

export type Flow = 'sign-in' | 'api' | 'userinfo' | 'refresh' | 'revocation' | 'logout';

/** A client that nobody here wrote, in an application with the configuration of its own README. */
export interface RealClient {
  /** Program in `applications/`. */
  readonly program: string;
  /** Flows that the library has. */
  readonly flows: readonly Flow[];
  /** Turns PKCE on, where the README does without. */
  readonly pkce?: boolean;
  /** Whether it speaks OpenID Connect. Default: yes. */
  readonly openid?: boolean;
  /** Whether it gets an ID token through the browser, and nothing else. */
  readonly implicit?: boolean;
  /** Whether `npm test` found the program that it needs; without it, `npm test` has said so. Default: yes. */
  readonly present?: boolean;
  /** Path that starts a sign-in. Default: `/login`. */
  readonly login?: string;
  /** Path of the redirect URI. Default: `/callback`. */
  readonly callback?: string;
}

export type ClientEntry = NonNullable<ConfigInput['clients']>[number];

const ALL: readonly Flow[] = ['sign-in', 'api', 'userinfo', 'refresh', 'revocation', 'logout'];

/** Libraries for Node.js. */
export const LIBRARIES: Readonly<Record<string, RealClient>> = {
  'openid-client 6': { program: 'openid_client_6.mjs', flows: ALL },
  'openid-client 5': { program: 'openid_client_5.mjs', flows: ALL },
  oauth4webapi: { program: 'oauth4webapi.mjs', flows: ALL },
  'simple-oauth2': { program: 'simple_oauth2.mjs', flows: ['sign-in', 'api', 'refresh', 'revocation'], openid: false },
};

/** Middleware for Express. */
export const MIDDLEWARE: Readonly<Record<string, RealClient>> = {
  'passport-oauth2': { program: 'passport_oauth2.mjs', flows: ['sign-in', 'api'], openid: false },
  'passport-oauth2 with PKCE': { program: 'passport_oauth2.mjs', flows: ['sign-in'], openid: false, pkce: true },
  'passport-openidconnect': { program: 'passport_openidconnect.mjs', flows: ['sign-in', 'api', 'userinfo'] },
  'express-openid-connect': {
    program: 'express_openid_connect.mjs',
    flows: ['sign-in', 'api', 'userinfo', 'refresh', 'logout'],
  },
  'Auth.js': {
    program: 'auth_js.mjs',
    flows: ['sign-in', 'api'],
    login: '/auth/signin/tallystick',
    callback: '/auth/callback/tallystick',
  },
};

/** Middleware for Express that needs `features.implicit`. */
export const IMPLICIT: Readonly<Record<string, RealClient>> = {
  'express-openid-connect, quick start': {
    program: 'express_openid_connect_quick_start.mjs',
    flows: ['sign-in'],
    implicit: true,
  },
};

/** Packages of Debian. */
export const DEBIAN: Readonly<Record<string, RealClient>> = {
  'Authlib with requests': {
    program: 'authlib_requests.py',
    flows: ALL,
    present: process.env.AUTHLIB !== undefined,
  },
  'Authlib with requests and PKCE': {
    program: 'authlib_requests.py',
    flows: ['sign-in'],
    present: process.env.AUTHLIB !== undefined,
    pkce: true,
  },
  mod_auth_openidc: {
    program: 'mod_auth_openidc.mjs',
    flows: ['sign-in', 'api', 'userinfo', 'refresh', 'logout'],
    present: process.env.APACHE !== undefined,
  },
  'mod_auth_openidc with PKCE': {
    program: 'mod_auth_openidc.mjs',
    flows: ['sign-in'],
    present: process.env.APACHE !== undefined,
    pkce: true,
  },
};

/** Libraries with which APIs validate JWTs, each in a program of `applications/`. */
export const API_LIBRARIES: Readonly<Record<string, string>> = {
  'passport-jwt with jwks-rsa': 'api_passport_jwt.mjs',
  'express-jwt with jwks-rsa': 'api_express_jwt.mjs',
  'express-oauth2-jwt-bearer': 'api_express_oauth2_jwt_bearer.mjs',
};
