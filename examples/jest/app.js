const express = require('express');

const app = express();
// The gateway checks the token and its scopes, and passes on a JWT.
app.get('/orders', (request, response) => {
  const [, payload] = request.headers.authorization.split('.');
  const { sub } = JSON.parse(Buffer.from(payload, 'base64url'));
  response.json({ orders: [{ id: 7, owner: sub }] });
});
app.post('/orders', (_request, response) => response.status(201).json({ id: 8 }));

module.exports = { app };
