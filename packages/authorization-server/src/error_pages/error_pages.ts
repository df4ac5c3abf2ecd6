import type { Context } from 'koa';
import { errors } from 'oidc-provider';
import { isDevelopmentIssuer } from '../config/development.ts';
import { mountPathOf } from '../provider/mount.ts';
import { clientOf, createRedaction } from '../provider/refusals.ts';
import { errorPage } from '../ui/error_page.ts';
import { clientErrors } from './client_errors.ts';
import type { ErrorHelp, ErrorPageConfig, KnownClient, RefusedRequest, ShownError } from './error_help.ts';
import { endedErrors, statusErrors } from './page_errors.ts';
import { requestErrors } from './request_errors.ts';

const EXPLANATIONS = [...endedErrors, ...clientErrors, ...requestErrors, ...statusErrors];

/** Shows the page of an error. @param cause the error itself, which knows more than what is shown */
export type ShowError = (ctx: Context, shown: ShownError, cause?: unknown) => void;

/** Creates the function that shows error pages. They list what is configured only if the issuer is for development. */
export function createErrorPages(config: ErrorPageConfig): ShowError {
  const isDevelopment = isDevelopmentIssuer(config);
  const mountPath = mountPathOf(config.issuer);
  return (ctx, shown, cause) => {
    const description = describeEnded(cause) ?? shown.error_description ?? '';
    const help = explain(readRequest(ctx, { ...shown, error_description: description }, { cause, config }));
    ctx.type = 'html';
    ctx.state.errorDescription = description;
    ctx.body = errorPage(
      { ...shown, error_description: createRedaction(ctx)(description) },
      { ...help, link: help.link && { ...help.link, href: mountPath + help.link.href } },
      isDevelopment ? help.development : undefined,
    );
  };
}

/** Says in plain words that an interaction is over. oidc-provider speaks of cookies and sessions. */
export function describeEnded(error: unknown): string | undefined {
  if (!(error instanceof errors.SessionNotFound)) return undefined;
  const { error_description: description = '' } = error;
  return /this (?:page|sign-in) has/.test(description)
    ? description
    : 'this sign-in has ended: go back to the application and start again';
}

function explain(request: RefusedRequest): ErrorHelp {
  for (const explanation of EXPLANATIONS) {
    const help = explanation(request);
    if (help !== undefined) return help;
  }
  return {
    title: 'That did not work',
    explanation: 'The authorization server refused the request.',
    next: 'Go back to the application and start again. If it fails again, its developers need the error below.',
  };
}

function readRequest(
  ctx: Context,
  { error, error_description: description = '' }: ShownError,
  { cause, config }: { readonly cause: unknown; readonly config: ErrorPageConfig },
): RefusedRequest {
  const redact = createRedaction(ctx);
  const parameters = (ctx.oidc?.params ?? ctx.query) as Readonly<Record<string, unknown>>;
  return {
    error,
    description,
    detail: redact((cause as { readonly error_detail?: unknown } | undefined)?.error_detail) ?? '',
    route: ctx.oidc?.route,
    clientId: redact(clientOf(ctx)),
    client: ctx.oidc?.client as KnownClient | undefined,
    status: ctx.status,
    host: ctx.host,
    path: ctx.path,
    config,
    parameter: (name) => redact(Object.hasOwn(parameters, name) ? parameters[name] : undefined),
  };
}
