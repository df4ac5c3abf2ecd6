import { createServer } from 'node:http';
import { listen } from '@tallystick/testing/listen';

/** A span that the collector received. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: 'server' | 'client' | undefined;
  readonly isError: boolean;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Span identifiers. */
  readonly links: readonly string[];
  readonly service: unknown;
}

export interface Collector {
  /** The URL for spans. */
  readonly endpoint: string;
  readonly spans: readonly ReceivedSpan[];
  /** The status of its responses. It drops the spans unless this is 200. */
  status: number;
  /** Number of responses with a status other than 200. */
  refusals: number;
  /** All request bodies, unchanged. */
  text(): string;
  stop(): Promise<void>;
}

/** An OpenTelemetry collector that receives spans as JSON (OTLP over HTTP). @param port 0 for a free one */
export async function startCollector(port = 0): Promise<Collector> {
  const spans: ReceivedSpan[] = [];
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    if (collector.status !== 200) {
      collector.refusals += 1;
      response.writeHead(collector.status).end();
      return;
    }
    const body = Buffer.concat(chunks).toString();
    bodies.push(body);
    for (const { resource, scopeSpans } of (JSON.parse(body) as Payload).resourceSpans) {
      const service = valuesOf(resource.attributes)['service.name'];
      for (const span of scopeSpans.flatMap((scope) => scope.spans)) spans.push(received(span, service));
    }
    response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
  });
  const { origin, stop } = await listen(server, { port });
  const collector: Collector = {
    endpoint: `${origin}/v1/traces`,
    spans,
    status: 200,
    refusals: 0,
    text: () => bodies.join('\n'),
    stop,
  };
  return collector;
}

/** `opentelemetry/proto/trace/v1/trace.proto`, what is used of it. */
interface Payload {
  resourceSpans: { resource: { attributes: Attribute[] }; scopeSpans: { spans: Span[] }[] }[];
}
interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  status?: { code?: number };
  attributes: Attribute[];
  links?: { spanId: string }[];
}
interface Attribute {
  key: string;
  value: Record<string, unknown>;
}

function received({ kind, status, attributes, links = [], parentSpanId, ...span }: Span, service: unknown) {
  const { traceId, spanId, name } = span;
  return {
    ...{ traceId, spanId, name, service },
    parentSpanId: parentSpanId || undefined,
    kind: ({ 2: 'server', 3: 'client' } as const)[kind],
    isError: status?.code === 2,
    attributes: valuesOf(attributes),
    links: links.map((link) => link.spanId),
  };
}

/** The JSON mapping of protobuf writes an integer as a number or a string. */
function valuesOf(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, 'intValue' in value ? Number(value.intValue) : Object.values(value)[0]]),
  );
}
