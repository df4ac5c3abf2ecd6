import express from 'express';

/** An application that calls the orders API with the token of its own client. */
export function createShop({ tokenUrl, clientId, clientSecret, resource, ordersUrl }) {
  async function accessToken() {
    const response = await fetch(tokenUrl, {
      method: 'POST',
      headers: { Authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', resource, scope: 'read' }),
    });
    if (!response.ok) throw new Error('no access token');
    return (await response.json()).access_token;
  }

  return express()
    .get('/shop', async (_request, response) => {
      const headers = { Authorization: `Bearer ${await accessToken()}` };
      const orders = await fetch(ordersUrl, { headers });
      response.status(orders.status).json(await orders.json());
    })
    .use((_error, _request, response, _next) => response.status(502).json({ error: 'the orders are not available' }));
}
