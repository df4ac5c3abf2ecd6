// Loaded into a process with `--import`: tells what it holds on to, after collecting garbage, on the socket MEASURE_SOCKET.
import { createServer } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

createServer((_request, response) => {
  collectGarbage();
  collectGarbage();
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  const sockets = process.getActiveResourcesInfo().filter((resource) => resource === 'TCPSocketWrap').length;
  response.end(JSON.stringify({ heapUsed, arrayBuffers, rss, sockets }));
})
  .listen(process.env.MEASURE_SOCKET)
  .unref();
