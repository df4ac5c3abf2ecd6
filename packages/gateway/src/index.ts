export type { Log } from '@tallystick/common';
export type { GatewayConfig } from './config/config.ts';
export type { UpstreamCall } from './forward/forwarder.ts';
export { createGateway, type Gateway } from './gateway.ts';
export type { GatewayDependencies } from './gateway_dependencies.ts';
export { createMetrics, exposeTogether, type Metrics, type MetricsSnapshot } from './operations/metrics.ts';
export { createReplaceableGateway, type ReplaceableGateway } from './replaceable_gateway.ts';
export { createGatewayServer, type GatewayTls } from './server.ts';
export type { Tracing } from './tracing/request_trace.ts';
