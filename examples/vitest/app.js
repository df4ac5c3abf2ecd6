import express from 'express';
import { decodeJwt } from 'jose';

export const app = express();
// The gateway has checked the token, and passes on a JWT.
app.get('/orders', (request, response) => {
  const { sub, role } = decodeJwt(request.headers.authorization.replace('Bearer ', ''));
  response.json({ owner: sub, all: role === 'admin' });
});
