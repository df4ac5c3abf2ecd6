/** Scopes that are about the user, not about an API (OpenID Connect Core sections 3.1.2.1, 5.4 and 11). */
export const USER_SCOPES = ['openid', 'offline_access', 'profile', 'email'];
