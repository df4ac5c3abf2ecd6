import express from 'express';

const page = ({ issuer, clientId, resource }) => `<!doctype html>
<title>Orders</title>
<button>Sign in</button>
<p></p>
<script src="/oidc.js"></script>
<script type="module">
  const { UserManager, WebStorageStateStore } = oidc;
  const users = new UserManager({
    authority: '${issuer}',
    client_id: '${clientId}',
    redirect_uri: location.origin + '/',
    scope: 'openid read',
    resource: '${resource}',
    userStore: new WebStorageStateStore({ store: localStorage }),
  });
  if (location.search.includes('code=')) {
    await users.signinCallback();
    history.replaceState({}, '', '/');
  }
  document.querySelector('button').onclick = () => users.signinRedirect();
  const user = await users.getUser();
  if (user) {
    const answer = await fetch('/orders', { headers: { Authorization: 'Bearer ' + user.access_token } });
    document.querySelector('p').textContent = answer.ok ? await answer.text() : 'No orders today';
  }
</script>`;

/** A single-page application that keeps its tokens in the browser. */
export function createSpa(options) {
  const script = new URL('dist/browser/oidc-client-ts.min.js', import.meta.resolve('oidc-client-ts/package.json'));
  return express()
    .get('/oidc.js', (_request, response) => response.sendFile(script.pathname))
    .get('/', (_request, response) => response.send(page(options)));
}
