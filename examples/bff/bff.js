import express from 'express';

const page = `<!doctype html>
<title>Orders</title>
<a href="/oauth-agent/login?return_to=/app">Sign in</a>
<p></p>
<script type="module">
  const headers = { 'X-CSRF': '1' };
  const session = await fetch('/oauth-agent/session', { headers });
  if (session.ok) document.querySelector('p').textContent = await (await fetch('/bff/orders', { headers })).text();
</script>`;

/** The pages of the application. They hold no token: the gateway's token handler keeps them in cookies that no script can read. */
export const pages = express().get('/app', (_request, response) => response.send(page));

/** The backend for the pages. The gateway replaces the cookie by a JWT. */
export const backend = express().get('/bff/orders', (request, response) => {
  const [, payload] = request.headers.authorization.split('.');
  response.json({ owner: JSON.parse(Buffer.from(payload, 'base64url')).sub });
});
