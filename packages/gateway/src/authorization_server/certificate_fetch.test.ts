import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { expect, test } from '@jest/globals';
import { listen } from '@tallystick/testing/listen';
import { startForTest } from '@tallystick/testing/on_test_finished';
import { makeCertificate } from '../testing/certificate.ts';
import { createCertificateFetch } from './certificate_fetch.ts';

test('Through a proxy the certificate is presented to the authorization server, and not to the proxy', async () => {
  const [server, client] = await Promise.all([makeCertificate('login.example'), makeCertificate('gateway')]);
  const tls = { cert: server.cert, key: server.key, requestCert: true, rejectUnauthorized: false };
  const authorizationServer = await startForTest(
    listen(
      createTlsServer(tls, (request, response) => {
        response.end((request.socket as TLSSocket).getPeerCertificate().subject?.CN);
      }),
    ),
  );
  const tunnels: (string | undefined)[] = [];
  const proxying = createServer();
  proxying.on('connect', (request, socket) => {
    tunnels.push(request.url);
    socket.on('error', () => {});
    const on = connect(authorizationServer.port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      on.on('error', () => {});
      on.pipe(socket).pipe(on);
    });
  });
  const proxy = await startForTest(listen(proxying));
  const identity = { id: 'gateway', certificate: client.cert, key: client.key, ca: server.cert };
  const answer = await createCertificateFetch(identity, proxy.origin)('https://login.example/introspect');
  expect([answer.status, await answer.text(), tunnels]).toEqual([200, 'gateway', ['login.example:443']]);
});
