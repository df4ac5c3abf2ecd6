import { lifetime } from '@tallystick/common/config';
import { z } from 'zod';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long what is issued lives. All in seconds. */
export const lifetimes = z.strictObject({
  accessToken: lifetime
    .default(HOUR)
    .describe("Seconds that an access token for userinfo lives; an API's have its accessTokenLifetime."),
  authorizationCode: lifetime.default(MINUTE).describe('Seconds in which a code can be redeemed.'),
  refreshToken: lifetime.default(14 * DAY).describe('Seconds that a refresh token lives; each rotation begins anew.'),
  idToken: lifetime.default(HOUR).describe('Seconds that an ID token lives.'),
  session: lifetime
    .default(14 * DAY)
    .describe('Seconds that a user stays signed in; tokens without the scope offline_access end with it.'),
  grant: lifetime
    .default(14 * DAY)
    .describe("Seconds that a user's consent lasts. No refresh token and no reference outlives it."),
  deviceCode: lifetime.default(10 * MINUTE).describe('Seconds that a user has to enter the code of a device.'),
  backchannelRequest: lifetime
    .default(10 * MINUTE)
    .describe('Seconds that a user has to decide on a backchannel request, unless the client asks for fewer.'),
  interaction: lifetime
    .default(15 * MINUTE)
    .describe('Seconds that a user has to sign in and consent. Sessions in which nobody has signed in live no longer.'),
  unusedRegistration: lifetime
    .default(DAY)
    .describe('Seconds after which a client that registered itself is forgotten, if it was never issued a token.'),
});

/** What a client may have otherwise. */
export const clientLifetimes = z.strictObject({
  accessToken: lifetime.optional().describe('Seconds that its access tokens live, whatever the API.'),
  refreshToken: lifetime.optional().describe('Seconds that its refresh tokens live.'),
  idToken: lifetime.optional().describe('Seconds that its ID tokens live.'),
});
