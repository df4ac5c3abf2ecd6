export type { AccessTokenStyle } from './access_token_style.ts';
export type { GatewayConfig, ProtectedRouteConfig, RouteConfig } from './config.ts';
export { createGateway, type Gateway, type GatewayDependencies } from './create_gateway.ts';
export { defaultIdentityHeaders } from './forward/request_headers.ts';
export { createGatewayServer, type GatewayTls } from './gateway_server.ts';
export type { Log } from './log.ts';
export { createMetrics, exposeTogether, type Metrics, type MetricsSnapshot } from './metrics/create_metrics.ts';
export { createReplaceableGateway, type ReplaceableGateway } from './replaceable_gateway.ts';
export type { Tracing } from './tracing/request_trace.ts';
