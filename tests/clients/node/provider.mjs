// Another district's provider on npm's oidc-provider, with its own defaults wherever it has some.
// node provider.mjs FILE: FILE has issuer, certificate, key (paths), jwk (private, RSA), peer (our district: code, issuer) and
// person (sub, name, id_number). Whoever has to sign in there is that person, without a form. Says "ready" once it listens.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'

// Node 18, which Debian 12 has, lacks it.
URL.parse ??= (...address) => URL.canParse(...address) ? new URL(...address) : null
const { Provider } = await import('oidc-provider')

const told = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const { peer, person } = told

const provider = new Provider(told.issuer, {
  clients: [{
    client_id: peer.code,
    redirect_uris: [`${peer.issuer}/federation/callback`],
    backchannel_logout_uri: `${peer.issuer}/federation/backchannel-logout`,
    backchannel_logout_session_required: true,
    grant_types: ['authorization_code', 'refresh_token'],
    scope: 'openid profile identity offline_access',
    token_endpoint_auth_method: 'private_key_jwt',
    jwks_uri: `${peer.issuer}/jwks.json`,
    require_auth_time: true
  }],
  jwks: { keys: [told.jwk] },
  cookies: { keys: ['a key of this run alone, which nobody has to guess'] },
  scopes: ['openid', 'profile', 'identity', 'offline_access'],
  claims: { openid: ['sub', 'acr'], profile: ['name'], identity: ['name', 'id_number'] },
  acrValues: ['L2', 'L3', 'L4', 'L5'],
  features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true } },
  interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_context, sub) => ({ accountId: sub, claims: () => person }),
  // Peers of an alliance need nobody's consent for what the alliance agreed on, offline access among it.
  async loadExistingGrant (context) {
    const { client, session, provider } = context.oidc
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
    grant.addOIDCScope('openid profile identity offline_access')
    await grant.save()
    return grant
  },
  issueRefreshToken: () => true,
  // It fetches keys and tells of logouts only outside special address ranges, and loopback, where tests live, is one.
  fetch: (url, { dispatcher, ...options }) => fetch(url, options)
})

provider.use(async (context, next) => {
  if (!context.path.startsWith('/interaction/')) return next()
  const login = { accountId: person.sub, acr: 'L4', amr: ['sample'] }
  await provider.interactionFinished(context.req, context.res, { login })
  context.respond = false
})
for (const event of ['server_error', 'grant.error', 'authorization.error', 'backchannel.error']) {
  provider.on(event, (...about) => console.error(event, ...about.filter((one) => one instanceof Error).map((one) => `${one.error_detail ?? ''} ${one.stack}`)))
}

const { hostname, port } = new URL(told.issuer)
createServer({ cert: readFileSync(told.certificate), key: readFileSync(told.key) }, provider.callback())
  .listen(Number(port), hostname, () => console.log(JSON.stringify({ answer: 'ready' })))
process.stdin.resume().on('end', () => process.exit(0))
