import { createServer, request } from 'node:http';
import { listen } from '@tallystick/testing/listen';

export interface Front {
  readonly url: string;
  /** Where requests go, in turn. */
  targets: string[];
  /** How many requests for the path came by. */
  count(path: string): number;
  /** From now on keeps the answers to requests for the path back, once they are there. */
  hold(path: string): HeldAnswers;
  stop(): Promise<void>;
}

export interface HeldAnswers {
  /** How many there are. */
  count(): number;
  /** Lets them go, and those that come. */
  release(): void;
}

/** What stands before several authorization servers that are one issuer: passes requests on in turn, and counts them. */
export async function startFront(): Promise<Front> {
  const seen = new Map<string, number>();
  const held = new Map<string, (() => void)[]>();
  let turn = 0;
  const server = createServer((incoming, outgoing) => {
    const path = String(incoming.url).split('?')[0] ?? '';
    seen.set(path, (seen.get(path) ?? 0) + 1);
    const target = front.targets[turn++ % front.targets.length];
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
  const front: Front = {
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
  return front;
}
