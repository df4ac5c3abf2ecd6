import { CompactSign, decodeJwt, decodeProtectedHeader, importJWK, type JWK } from 'jose';
import type { JWKS, Provider } from 'oidc-provider';
import { callHook, changeJwt, type TestHooks } from './hooks.ts';

/** Lets a test change ID tokens. oidc-provider has no customizer for them, so a changed one is signed a second time, with the same key. */
export function changeIdTokens(provider: Provider, hooks: TestHooks, jwks: JWKS): void {
  const prototype = provider.IdToken.prototype as unknown as {
    issue(options: { readonly use: string }): Promise<string>;
  };
  const { issue } = prototype;
  prototype.issue = async function (options) {
    const issued = await issue.call(this, options);
    const change = hooks.idToken;
    if (change === undefined || options.use !== 'idtoken') return issued;
    const header = decodeProtectedHeader(issued);
    const key = (jwks.keys as JWK[]).find(({ kid }) => kid === header.kid);
    if (key === undefined) throw new TypeError('no signing key of the ID token');
    const changed = await changeJwt('idToken', change, { header, payload: decodeJwt(issued) });
    const payload = new TextEncoder().encode(JSON.stringify(changed.payload));
    const signer = new CompactSign(payload).setProtectedHeader({ ...changed.header, alg: String(header.alg) });
    return callHook('idToken', async () => signer.sign(await importJWK(key, header.alg))); // A header can be invalid.
  };
}
