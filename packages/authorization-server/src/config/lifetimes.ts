import { lifetime } from '@tallystick/common/config';
import { z } from 'zod';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Lifetimes of everything that the authorization server issues. All in seconds. */
export const lifetimes = z.strictObject({
  accessToken: lifetime
    .default(HOUR)
    .describe(
      'Lifetime in seconds of an access token without an API, for userinfo. For an API, its `accessTokenLifetime` applies.',
    ),
  authorizationCode: lifetime.default(MINUTE).describe('Lifetime of an authorization code in seconds.'),
  refreshToken: lifetime
    .default(14 * DAY)
    .describe('Lifetime of a refresh token in seconds, counted from its last rotation.'),
  idToken: lifetime.default(HOUR).describe('Lifetime of an ID token in seconds.'),
  session: lifetime
    .default(14 * DAY)
    .describe(
      'Time in seconds that a user stays signed in. Tokens without the scope offline_access end with the session.',
    ),
  grant: lifetime
    .default(14 * DAY)
    .describe("Lifetime of a user's consent in seconds. No refresh token or reference token outlives it."),
  deviceCode: lifetime.default(10 * MINUTE).describe('Time in seconds that a user has to enter the code of a device.'),
  backchannelRequest: lifetime
    .default(10 * MINUTE)
    .describe('Time in seconds that a user has to decide on a backchannel request, unless the client asks for less.'),
  interaction: lifetime
    .default(15 * MINUTE)
    .describe(
      'Time in seconds that a user has to sign in and give consent. A session without a user does not live longer.',
    ),
  unusedRegistration: lifetime
    .default(DAY)
    .describe(
      'Time in seconds after which a client that registered itself is deleted if it has never been issued a token.',
    ),
});

/** Lifetimes that a client can override. */
export const clientLifetimes = z.strictObject({
  accessToken: lifetime.optional().describe('Lifetime of its access tokens in seconds, for every API.'),
  refreshToken: lifetime.optional().describe('Lifetime of its refresh tokens in seconds.'),
  idToken: lifetime.optional().describe('Lifetime of its ID tokens in seconds.'),
});
