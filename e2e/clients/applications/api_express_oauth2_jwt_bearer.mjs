// https://github.com/auth0/node-oauth2-jwt-bearer/tree/main/packages/express-oauth2-jwt-bearer#getting-started
import express from 'express';
import { auth } from 'express-oauth2-jwt-bearer';
import { audience, issuer, listen } from './application.mjs';

const app = express();
app.use(auth({ issuerBaseURL: issuer, audience }));
app.get(/\/me$/, (request, response) => response.json(request.auth.payload));
app.use((error, _request, response, _next) => response.status(error.status ?? 500).json({ message: error.message }));
listen(app);
