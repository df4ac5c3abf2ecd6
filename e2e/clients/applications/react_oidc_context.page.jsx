// https://github.com/authts/react-oidc-context#getting-started
import { useState } from 'react';
import { createRoot } from 'react-dom/client';
import { AuthProvider, useAuth } from 'react-oidc-context';

const { api, ...settings } = JSON.parse(localStorage.getItem('settings') ?? '{}');
const oidcConfig = {
  redirect_uri: `${location.origin}/`,
  post_logout_redirect_uri: `${location.origin}/`,
  scope: 'openid profile email read',
  loadUserInfo: true,
  revokeTokensOnSignout: true,
  automaticSilentRenew: false,
  onSigninCallback: () => history.replaceState({}, document.title, '/'),
  ...settings,
};

function App() {
  const auth = useAuth();
  const [said, say] = useState('');

  if (auth.isLoading) return <p>Loading...</p>;
  if (auth.error) return <p>{`Oops: ${auth.error.source} caused ${auth.error.message}`}</p>;

  const renew = async () => {
    const { access_token } = await auth.signinSilent();
    say(access_token === auth.user.access_token ? 'Renewed nothing' : 'Renewed');
  };
  const call = async () => {
    const headers = { Authorization: `Bearer ${auth.user?.access_token}` };
    say(`Answer ${(await fetch(api, { headers })).status}`);
  };
  const hello = auth.isAuthenticated ? `${auth.user?.profile.sub}, ${auth.user?.profile.email}` : 'nobody';
  return (
    <>
      <p>{`Hello ${hello}`}</p>
      <p>{said}</p>
      <button type="button" onClick={() => auth.signinRedirect()}>
        Log in
      </button>
      <button type="button" onClick={renew}>
        Renew
      </button>
      <button type="button" onClick={call}>
        Call
      </button>
      <button type="button" onClick={() => auth.signoutRedirect()}>
        Log out
      </button>
    </>
  );
}

createRoot(document.querySelector('main')).render(
  <AuthProvider {...oidcConfig}>
    <App />
  </AuthProvider>,
);
