// Copyright: Contributors to datalab.notebooks
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

// Reads {policies, requests, checked} from stdin, and writes for each request what IAM would decide: Allowed,
// ImplicitlyDenied, ExplicitlyDenied, or why AWS would never see such a policy or request.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

// The packages are where the tests have installed them.
const require = createRequire(`${process.argv[2]}/`)
const { runSimulation, runUnsafeSimulation } = require('@cloud-copilot/iam-simulate')
const {
  createValidatedPolicy, validateEndpointPolicy, validateIdentityPolicy, validateResourcePolicy, validateTrustPolicy,
} = require('@cloud-copilot/iam-policy')

const { policies, requests, checked } = JSON.parse(readFileSync(0, 'utf8'))

// Each policy is validated once, not for each request.
const validated = {}
function named(name, validate = validateIdentityPolicy) {
  validated[name] ??= createValidatedPolicy(policies[name], validate)
  return { name, policy: validated[name] }
}

// KMS asks the policy of a key first: this is the one that a key has unless it is given another.
function keyPolicy(account) {
  const root = { AWS: `arn:aws:iam::${account}:root` }
  const statement = { Effect: 'Allow', Principal: root, Action: 'kms:*', Resource: '*' }
  return createValidatedPolicy({ Version: '2012-10-17', Statement: [statement] }, validateResourcePolicy, { name: 'key' })
}

async function decide({ principal, action, resource, account, context, identity, boundary, trust, endpoint, on }) {
  const ofResource = trust ? named(trust, validateTrustPolicy) : on ? named(on, validateResourcePolicy) : undefined
  const simulation = {
    request: { principal, action, resource: { resource, accountId: account }, contextVariables: context },
    identityPolicies: identity.map((name) => named(name)),
    permissionBoundaryPolicies: boundary ? [named(boundary)] : undefined,
    resourcePolicy: action.startsWith('kms:') ? keyPolicy(account) : ofResource?.policy,
    vpcEndpointPolicies: endpoint ? [named(endpoint, validateEndpointPolicy)] : undefined,
    serviceControlPolicies: [],
    resourceControlPolicies: [],
  }
  // A tenth of the time, for requests that were checked before.
  if (checked && !ofResource && !endpoint) return runUnsafeSimulation(simulation, {})
  const answer = await runSimulation(simulation, {})
  if (answer.resultType === 'error') return `error: ${JSON.stringify(answer.errors)}`
  const ignored = [answer.result ?? answer.results].flat().flatMap((each) => each.ignoredContextKeys ?? [])
  return ignored.length ? `error: ${action} has no ${ignored.join(', ')}` : answer.overallResult
}

const decisions = []
for (const request of requests) decisions.push(await decide(request))
process.stdout.write(JSON.stringify(decisions))
