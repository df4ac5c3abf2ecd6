import { createJwtValidator, createRemoteJwks, protectWithConnect } from '@tallystick/resource-server';
import express from 'express';

const issuer = 'https://login.example.com';
const validator = createJwtValidator(
  { issuer, audience: 'https://orders.example' },
  { jwks: createRemoteJwks({ uri: `${issuer}/jwks` }) },
);

export const app = express().use('/orders', protectWithConnect({ validator, scopes: () => ['read'] }));
