// A relying party on npm's openid-client. Reads one command a line, as JSON, and answers each with one line.
// node relying_party.mjs FILE: FILE has issuer, client_id, redirect_uri, scope and, unless it is a public client, jwk (private).
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import * as client from 'openid-client'

const told = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const { subtle } = globalThis.crypto

async function proof () {
  if (!told.jwk) return client.None()
  const algorithm = told.jwk.kty === 'EC' ? { name: 'ECDSA', namedCurve: told.jwk.crv } : { name: told.jwk.crv }
  return client.PrivateKeyJwt({ key: await subtle.importKey('jwk', told.jwk, algorithm, false, ['sign']), kid: told.jwk.kid })
}

const config = await client.discovery(new URL(told.issuer), told.client_id, undefined, await proof())
let waits, tokens

const commands = {
  async discover () {
    return config.serverMetadata()
  },
  async ask ({ fields }) {
    const verifier = client.randomPKCECodeVerifier()
    waits = { pkceCodeVerifier: verifier, expectedState: client.randomState(), expectedNonce: client.randomNonce(), idTokenExpected: true }
    return client.buildAuthorizationUrl(config, {
      redirect_uri: told.redirect_uri,
      scope: told.scope,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state: waits.expectedState,
      nonce: waits.expectedNonce,
      ...fields
    }).href
  },
  async come_back ({ url, changes }) {
    tokens = await client.authorizationCodeGrant(config, new URL(url), { ...waits, ...changes })
    return { claims: tokens.claims(), scope: tokens.scope, refreshable: Boolean(tokens.refresh_token) }
  },
  async refresh () {
    const before = tokens
    tokens = await client.refreshTokenGrant(config, tokens.refresh_token)
    return { claims: tokens.claims(), another: tokens.access_token !== before.access_token && tokens.refresh_token !== before.refresh_token }
  },
  async userinfo () {
    return client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)
  },
  async revoke () {
    return client.tokenRevocation(config, tokens.refresh_token)
  },
  async end_session ({ fields }) {
    return client.buildEndSessionUrl(config, { id_token_hint: tokens.id_token, ...fields }).href
  }
}

console.log(JSON.stringify({ answer: 'ready' }))
for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...fields } = JSON.parse(line)
  try {
    console.log(JSON.stringify({ answer: (await commands[command](fields)) ?? null }))
  } catch (error) {
    console.log(JSON.stringify({ refused: error.error ?? error.code ?? error.name, because: String(error.cause?.message ?? error.message) }))
  }
}
