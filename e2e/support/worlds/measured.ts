import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Resources of a process after garbage collection. Sizes are in bytes. */
export interface Measurement {
  readonly heapUsed: number;
  readonly arrayBuffers: number;
  /** Resident memory of the process, including memory that it has freed but not returned. */
  readonly rss: number;
  /** Open TCP connections. */
  readonly sockets: number;
}

/** Prepares the measurement of a process: the environment for its start, and the function that measures. */
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
