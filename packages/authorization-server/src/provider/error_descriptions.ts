import type { Provider } from 'oidc-provider';

/** Characters of an error description (RFC 6749 section 5.2). */
const DESCRIPTION = /^[\x20\x21\x23-\x5b\x5d-\x7e]{1,200}$/;

/**
 * Tells clients why the token endpoint refused a code, a refresh token or a resource. oidc-provider keeps the reason of an
 * `invalid_grant` to itself, though an authenticated client learns nothing from it about the tokens of others.
 */
export function describeRefusedGrants(provider: Provider): void {
  provider.on('grant.error', (ctx, { error, error_detail: detail, error_description: description }) => {
    const body = ctx.body as { error?: string } | undefined;
    if (body?.error !== error) return;
    if (error === 'invalid_grant' && detail !== undefined && DESCRIPTION.test(detail))
      ctx.body = { ...body, error_description: detail };
    if (error === 'invalid_target' && description === 'resource indicator is missing, or unknown')
      ctx.body = { ...body, error_description: 'the code or refresh token was not issued for this resource' };
  });
}
