import type { AddressInfo, Server, Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';

export interface ListeningServer {
  readonly port: number;
  /** `http://127.0.0.1:{port}`, or `https:` for a TLS server. */
  readonly origin: string;
  /** Stops listening and closes the connections that are open. */
  stop(): Promise<void>;
}

export interface Address {
  /** Default: a free port. */
  readonly port?: number;
  /** Default: `127.0.0.1`. */
  readonly host?: string;
}

/** Lets a server listen on the loopback interface. */
export async function listen(server: Server, { port = 0, host = '127.0.0.1' }: Address = {}): Promise<ListeningServer> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  const { port: bound } = server.address() as AddressInfo;
  return {
    port: bound,
    origin: `${server instanceof TlsServer ? 'https' : 'http'}://${host}:${bound}`,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
