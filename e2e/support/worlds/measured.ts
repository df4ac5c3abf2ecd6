import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a process holds on to once garbage is collected. Sizes are in bytes. */
export interface Measurement {
  readonly heapUsed: number;
  readonly arrayBuffers: number;
  /** Of the whole process, with what it does not use any more and has not given back. */
  readonly rss: number;
  /** Open TCP connections. */
  readonly sockets: number;
}

/** For one process that is about to be started: the environment that makes it tell, and how to ask. */
export function measured(): { environment: Readonly<Record<string, string>>; measure(): Promise<Measurement> } {
  const socketPath = join(tmpdir(), `tallystick-${randomUUID().slice(0, 8)}.sock`);
  return {
    environment: {
      NODE_OPTIONS: `--import ${new URL('measure.mjs', import.meta.url).href}`,
      MEASURE_SOCKET: socketPath,
    },
    measure: () =>
      new Promise((resolve, reject) => {
        const asking = request({ socketPath, agent: false }, async (response) => {
          const chunks: Buffer[] = [];
          for await (const chunk of response) chunks.push(chunk as Buffer);
          resolve(JSON.parse(Buffer.concat(chunks).toString()));
        });
        asking.on('error', reject).end();
      }),
  };
}
