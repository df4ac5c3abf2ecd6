import type { ErrorHelp, Explanation, RefusedRequest } from './error_help.ts';

/** Sign-ins, sign-outs and forms that are over. */
export const endedErrors: readonly Explanation[] = [endedSignOut, endedPage, endedSignIn];

/** The page does not exist, or the server cannot answer now. */
export const statusErrors: readonly Explanation[] = [notFound, otherStatus];

/** Pages without a request of an application, which users can open again. */
const STANDALONE = new Set(['/device', '/ciba']);

/** oidc-provider's errors for the form of a session that is over. */
const NO_FORM = /^(?:could not find logout details|xsrf token invalid)$/;

function endedSignOut({ description, route }: RefusedRequest): ErrorHelp | undefined {
  if (!NO_FORM.test(description) || !route?.startsWith('end_session')) return undefined;
  return {
    title: 'This sign-out has ended',
    explanation: 'It was finished before, or another page took its place.',
    next: 'If you are still signed in, go back to the application and sign out again.',
  };
}

function endedPage({ description, path }: RefusedRequest): ErrorHelp | undefined {
  if (!NO_FORM.test(description) && !/this page has expired/.test(description)) return undefined;
  return {
    title: 'This page has expired',
    explanation: 'The form was sent before, it belongs to another session, or your browser blocks cookies.',
    next: 'Open the page again.',
    ...(STANDALONE.has(path) && { link: { href: path, label: 'Open the page again' } }),
  };
}

function endedSignIn({ description, host, config }: RefusedRequest): ErrorHelp | undefined {
  if (!/this sign-in has ended/.test(description)) return undefined;
  const expected = new URL(config.issuer).host;
  return {
    title: 'This sign-in has ended',
    explanation: 'It was finished or cancelled before, it took too long, or your browser sent no cookie for it.',
    next: 'Go back to the application and start again.',
    ...(host !== expected && {
      development: {
        hint: `This page is at ${host.slice(0, 100)}, and the issuer is at ${expected}. Cookies belong to one host: use the issuer's everywhere.`,
      },
    }),
  };
}

function notFound({ status }: RefusedRequest): ErrorHelp | undefined {
  if (status !== 404) return undefined;
  return {
    title: 'Page not found',
    explanation: 'There is no page at this address.',
    next: 'Check the address. The endpoints of this server are in its metadata.',
    link: { href: '/.well-known/openid-configuration', label: 'Metadata of this server' },
  };
}

const BY_STATUS: Readonly<Record<number, ErrorHelp>> = {
  405: {
    title: 'Method not allowed',
    explanation: 'This address does not accept the method of the request.',
    next: 'Go back to the application and start again.',
  },
  413: { title: 'The form is too large', explanation: 'It has more than 8 KiB.', next: 'Go back and enter less.' },
  500: {
    title: 'The server failed',
    explanation: 'This is a fault of the authorization server, not yours.',
    next: 'Try again. If it fails again, see the log of the authorization server.',
  },
  503: {
    title: 'The server cannot answer now',
    explanation: 'A service that it needs is not available.',
    next: 'Try again in a few seconds.',
  },
};

function otherStatus({ status }: RefusedRequest): ErrorHelp | undefined {
  return BY_STATUS[status];
}
