import { createServer, request } from 'node:http';
import { listen } from '@tallystick/testing/listen';

export interface LoadBalancer {
  readonly url: string;
  /** The servers that get requests, in turn. */
  targets: string[];
  /** Number of requests for the path. */
  count(path: string): number;
  /** From now on holds back the responses to requests for the path. */
  hold(path: string): HeldAnswers;
  stop(): Promise<void>;
}

export interface HeldAnswers {
  /** Number of held responses. */
  count(): number;
  /** Releases them and stops holding. */
  release(): void;
}

/** A load balancer for the authorization servers of one issuer. It forwards requests in turn and counts them. */
export async function startLoadBalancer(): Promise<LoadBalancer> {
  const seen = new Map<string, number>();
  const held = new Map<string, (() => void)[]>();
  let turn = 0;
  const server = createServer((incoming, outgoing) => {
    const path = String(incoming.url).split('?')[0] ?? '';
    seen.set(path, (seen.get(path) ?? 0) + 1);
    const target = loadBalancer.targets[turn++ % loadBalancer.targets.length];
    if (target === undefined) return void incoming.socket.destroy();
    const { method, headers, url } = incoming;
    const onward = request(target + url, { ...(method && { method }), headers }, (answer) => {
      const pass = () => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        answer.pipe(outgoing);
      };
      const waiting = held.get(path);
      if (waiting === undefined) pass();
      else waiting.push(pass);
    });
    onward.on('error', () => incoming.socket.destroy());
    incoming.pipe(onward);
  });
  const { origin: url, stop } = await listen(server);
  const loadBalancer: LoadBalancer = {
    url,
    stop,
    targets: [],
    count: (path) => seen.get(path) ?? 0,
    hold(path) {
      const waiting: (() => void)[] = [];
      held.set(path, waiting);
      return {
        count: () => waiting.length,
        release() {
          held.delete(path);
          for (const pass of waiting) pass();
        },
      };
    },
  };
  return loadBalancer;
}
