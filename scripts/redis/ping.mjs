import net from 'node:net';
import tls from 'node:tls';

const timeoutMilliseconds = 2000;

/**
 * Sends PING over a bare socket. A server that wants a password first is there too, and says so with NOAUTH.
 * @param {URL} url redis: or rediss:
 * @returns {Promise<void>}
 * @throws {Error} saying why there is no Redis at that address
 */
export function ping(url) {
  const address = { host: url.hostname.replace(/^\[|\]$/g, '') || '127.0.0.1', port: Number(url.port || 6379) };
  return new Promise((resolve, reject) => {
    const socket = url.protocol === 'rediss:' ? tls.connect(address) : net.connect(address);
    socket.setTimeout(timeoutMilliseconds, () => socket.destroy(new Error('no answer in time')));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed')));
    socket.once('data', (reply) => {
      if (/^(\+PONG|-NOAUTH)/.test(reply.toString())) resolve();
      else reject(new Error(`it answered ${JSON.stringify(reply.toString().slice(0, 60))}`));
      socket.destroy();
    });
    socket.write('PING\r\n');
  });
}
