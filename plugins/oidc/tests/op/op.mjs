// The provider of others that our plugin is held against. Its own pages identify whoever types a name.
import { createServer } from 'node:net';

const free = () => new Promise((resolve) => {
  const server = createServer();
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

const back = process.argv[2];
const clients = JSON.parse(process.argv[3]).map((client) => ({
  redirect_uris: [back],
  response_types: ['code'],
  grant_types: ['authorization_code'],
  ...client,
}));
const { Provider } = await import('oidc-provider');
const port = await free();
const issuer = `http://127.0.0.1:${port}`;
const person = {
  given_name: 'Jan',
  family_name: 'Testowy',
  birthdate: '1987-02-22',
  nin: process.argv[4],
  nin_type: 'PERSON',
  nin_issuing_country: 'PL',
};
const provider = new Provider(issuer, {
  clients,
  pkce: { required: () => true },
  scopes: ['openid', 'profile', 'nin'],
  claims: {
    openid: ['sub'],
    profile: ['given_name', 'family_name', 'birthdate'],
    nin: ['nin', 'nin_type', 'nin_issuing_country'],
  },
  findAccount: async (context, id) => ({ accountId: id, claims: async () => ({ sub: id, ...person }) }),
  features: { devInteractions: { enabled: true } },
  cookies: { keys: ['only-here'] },
});
provider.listen(port, '127.0.0.1', () => console.log(`ready on ${issuer}`));
