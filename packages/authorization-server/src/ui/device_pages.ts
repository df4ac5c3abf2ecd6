import { type Html, html, layout } from '@tallystick/common/page';

/** A form that is protected against cross-site request forgery. */
export interface ProtectedForm {
  readonly action: string;
  readonly xsrf: string;
}

/** The page where a user enters the code of a device (RFC 8628 section 3.3). @param code a wrong one, to correct it */
export function userCodePage(form: ProtectedForm, code = '', problem?: string): string {
  return layout(
    'Connect a device',
    html`<h1>Connect a device</h1>
<p>Enter the code that the device shows.</p>
${problem === undefined ? undefined : html`<p class="problem" id="problem" role="alert">${problem}</p>`}
<form method="post" action="${form.action}">
${hidden('xsrf', form.xsrf)}
<label for="user_code">Code</label>
<input class="code" id="user_code" name="user_code" value="${code}" autocomplete="off" autocapitalize="characters" spellcheck="false" required autofocus${
      problem === undefined
        ? undefined
        : html` aria-describedby="problem"${code === '' ? undefined : html` aria-invalid="true"`}`
    }>
<div class="actions"><button class="primary">Continue</button></div>
</form>`,
  );
}

/** The page where the user confirms that the code is from their own device (RFC 8628 section 5.4). */
export function userCodeConfirmPage(form: ProtectedForm, clientName: string, code: string): string {
  const fields = [hidden('xsrf', form.xsrf), hidden('user_code', code)];
  return layout(
    'Confirm the device',
    html`<h1>Connect ${clientName}?</h1>
<p>Does the device show this code?</p>
<p class="shown-code"><strong><code>${code}</code></strong></p>
<p>If you did not start this, cancel.</p>
<form method="post" action="${form.action}">
${fields}${hidden('confirm', 'yes')}
<div class="actions"><button class="primary" autofocus>The code is the same</button></div>
</form>
<form method="post" action="${form.action}">
${fields}${hidden('abort', 'yes')}
<button class="plain last">Cancel</button>
</form>`,
  );
}

export function deviceConnectedPage(clientName: string): string {
  return layout(
    'Device connected',
    html`<h1>Device connected</h1><p><strong>${clientName}</strong> is signed in. You can close this page.</p>`,
  );
}

function hidden(name: string, value: string): Html {
  return html`<input type="hidden" name="${name}" value="${value}">`;
}
