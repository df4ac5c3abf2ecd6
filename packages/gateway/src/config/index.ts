export { checkGatewayClient, checkGatewayConfig } from './check_gateway.ts';
export { gatewayConfig } from './config.ts';
export { defaultIdentityHeaders } from './default_headers.ts';
export { accessTokensOf, audienceOf, introspects, makesJwts, prefixAtApi } from './derived.ts';
export { gateway } from './gateway.ts';
export { introspectionClient } from './introspection.ts';
