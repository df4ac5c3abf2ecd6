/** Under which name the authorization servers keep their signing keys: gateways hear of its changes. */
export const SIGNING_KEYS = 'signing-keys';
