import express from 'express';

/** The API. The gateway has checked the token, and passes on a JWT. */
export const orders = express().get('/orders', (request, response) => {
  const [, payload] = request.headers.authorization.split('.');
  response.send(`Orders of ${JSON.parse(Buffer.from(payload, 'base64url')).sub}`);
});
