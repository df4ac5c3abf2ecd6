// https://authts.github.io/oidc-client-ts/ and its sample for Parcel
import { UserManager } from 'oidc-client-ts';

const { api, ...settings } = JSON.parse(localStorage.getItem('settings') ?? '{}');
const manager = new UserManager({
  redirect_uri: `${location.origin}/`,
  post_logout_redirect_uri: `${location.origin}/`,
  scope: 'openid profile email read',
  loadUserInfo: true,
  revokeTokensOnSignout: true,
  automaticSilentRenew: false,
  ...settings,
});

const main = document.querySelector('main');
const say = (text) => main.append(Object.assign(document.createElement('p'), { textContent: text }));
const button = (name, act) => {
  const element = Object.assign(document.createElement('button'), { textContent: name });
  element.onclick = () => act().catch((error) => say(`${name}: ${error}`));
  main.append(element);
};

async function show() {
  if (/[?&](code|error)=/.test(location.search)) {
    await manager.signinCallback();
    history.replaceState({}, '', '/');
  }
  const user = await manager.getUser();
  say(user ? `Hello ${user.profile.sub}, ${user.profile.email}` : 'Hello nobody');
  button('Log in', () => manager.signinRedirect());
  button('Renew', async () => {
    const { access_token } = await manager.signinSilent();
    say(access_token === user.access_token ? 'Renewed nothing' : 'Renewed');
  });
  button('Call', async () => {
    const { access_token } = await manager.getUser();
    say(`Answer ${(await fetch(api, { headers: { Authorization: `Bearer ${access_token}` } })).status}`);
  });
  button('Log out', () => manager.signoutRedirect());
}
show().catch((error) => say(`Oops: ${error}`));
