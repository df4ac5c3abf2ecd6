import type { Socket } from 'node:net';

/** Milliseconds after which an error is told even if the other side neither says anything nor ends the connection. */
const longestWait = 10_000;

type Done = (error?: Error | null) => void;

/**
 * Lets a socket read on when the other side takes no more. An upstream that answers early, with 413 or 401 say, and closes, has
 * sent its answer by the time that writing the rest of the request fails. Node.js would close the socket with the answer unread.
 */
export function keepReadingAfterWriteError(socket: Socket): void {
  const { _write: write, _writev: writev } = socket;
  socket._write = (chunk, encoding, done) => write.call(socket, chunk, encoding, waitingForEnd(socket, done));
  if (writev) socket._writev = (chunks, done) => writev.call(socket, chunks, waitingForEnd(socket, done));
}

/** @returns tells of a broken connection only once it is closed for reading too, which is soon */
function waitingForEnd(socket: Socket, done: Done): Done {
  return (error) => {
    if (!isBrokenConnection(error) || socket.destroyed || socket.readableEnded) {
      done(error);
      return;
    }
    const tell = () => {
      clearTimeout(timer);
      socket.off('end', tell).off('close', tell);
      done(error);
    };
    const timer = setTimeout(tell, longestWait).unref();
    socket.once('end', tell).once('close', tell);
  };
}

/** Whether the other side has gone in the middle of something. */
export function isBrokenConnection(error: NodeJS.ErrnoException | null | undefined): boolean {
  return error?.code === 'ECONNRESET' || error?.code === 'EPIPE';
}
