// A phantom-token gateway in NGINX, as one would write it without knowing Tallystick: RFC 7662 introspection that
// answers with the JWT. The answer is cached by NGINX itself.
async function forward(r) {
  const match = /^bearer +([\w.~+/-]+=*)$/i.exec(r.headersIn.Authorization || '');
  if (!match) {
    r.headersOut['WWW-Authenticate'] = 'Bearer';
    r.return(401);
    return;
  }
  r.variables.token = match[1];
  const answer = await r.subrequest('/introspection', { method: 'POST' });
  if (answer.status === 200) {
    r.variables.jwt = answer.responseText;
    r.internalRedirect('@api');
  } else if (answer.status === 204) {
    r.headersOut['WWW-Authenticate'] = 'Bearer error="invalid_token"';
    r.return(401);
  } else {
    r.headersOut['Retry-After'] = '1';
    r.return(503);
  }
}

export default { forward };
