const timeoutMilliseconds = 10_000;
const client = `Basic ${btoa('demo-service:demo-service-secret')}`;

/**
 * @param {string} url
 * @param {RequestInit} [init]
 * @returns {Promise<Response>}
 * @throws {Error} that names the URL and what went wrong, when there is no answer
 */
export async function request(url, init) {
  try {
    return await fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMilliseconds) });
  } catch (error) {
    throw new Error(`${url}: ${error.cause?.code ?? error.message}`);
  }
}

/**
 * POSTs a form to the authorization server as the demo client.
 * @param {string} url
 * @param {Record<string, string>} form
 */
export function postAsDemoService(url, form) {
  return request(url, {
    method: 'POST',
    headers: { authorization: client },
    body: new URLSearchParams(form),
  });
}

/**
 * Calls an API through a gateway.
 * @param {string} gateway
 * @param {string} style
 * @param {string} token
 */
export function callApi(gateway, style, token) {
  return request(`${gateway}/${style}/hello`, { headers: { authorization: `Bearer ${token}` } });
}
