"""A local AWS in memory that replicates secrets as the real one does: Secrets Manager, KMS and STS.

It also has DescribeRegions (EC2), ListRegions (Account Management), SimulatePrincipalPolicy (IAM), and the calls of
AWS Organizations that list accounts and OUs.

`simulator.simulated_aws` has one account, and leads to others; it answers calls by `operations`, which act on the
state in `simulator`. `server` puts it behind HTTP on loopback, `faults` makes it misbehave, `seed` fills it, and
`drill` has a fleet for a rehearsal and measures its availability. The caller passes in the clock: asynchronous events
happen when that clock says so, in a fixed order.

Where AWS's behavior is unknown, the sandbox makes a choice, marked "Choice:" in the code. Programs for AWS must not
depend on any of them:

- Replicating to a listed Region changes nothing, not even its key, unless it is Failed: then it is retried with the
  new call's parameters.
- Every Region whose name matches the pattern exists and is enabled, except `Faults.disabled_regions`, which may have
  any name. The primary's Region, a missing one and one of another partition are `Invalid replica region.` at once;
  so is a repeated Region refused.
- A replication to a Region that is not enabled fails, with the sandbox's own message; an InSync one fails at the
  primary's next change. Removals work there. EC2 and STS refuse calls there as for unknown credentials.
- DescribeRegions and ListRegions list the caller's partition by name, with all opt-in Regions enabled.
  DescribeRegions shows a Region in the request even if it is not enabled, and no geography.
- SimulatePrincipalPolicy knows the account's only user, who may do everything, and identities of
  `Simulator.put_role` by exact ARN. It does not affect calls. `Faults.denied` is an implicitDeny there. No context key
  has a default, policies of an organization are not simulated, and all results are on one page. It refuses boundaries,
  resource policies, policy variables and conditions other than String*, Bool and Null.
- For several resources, an EvaluationResult has the ARN's template and one decision: explicitDeny if any is, else
  allowed if any is. For one resource it has that ARN.
- The message of a failure because a secret in the target is pending deletion or being removed is the sandbox's own. A
  failure because of a KMS key has KMS's message and code and a unique Request ID; AWS's own format was seen only for
  a replica's missing key.
- A secret without a value is InSync under any key, since nothing is encrypted.
- An entry that is stuck (`Faults.stuck`) stays so after the fault, until the Region is removed and replicated again.
- A name conflict says `Replication failed: Secret name <name> already exists in region <region>.`
- Overwriting a primary with replicas, a secret scheduled for deletion, or a replica that is being removed fails. A
  primary's listed Region counts only with its replica, or a replication in progress: after a promotion the old primary
  can be overwritten from there (`Faults.stale_entry_guards`), and its scheduled events are dropped.
- An InSync entry stays InSync while a change is in progress (`Faults.value_delay_s`). If the write fails, it becomes
  Failed and the replica stays as it is. A Failed replica receives nothing until it is retried.
- Removing a Region that is not listed succeeds. It never deletes anything but this primary's replica. Removing an
  InProgress Region cancels the replication.
- Deleting a primary while a removal is in progress strands that replica (`Faults.strands_replicas`).
- After a promotion the old primary still lists the Region (`Faults.promoted_entry`). Promoting a secret that is not
  a replica is an InvalidRequestException; promoting a replica that is being removed saves it.
- PrimaryRegion stays after the last replica is removed (`Faults.keeps_primary_region`).
- The primary shows a replica's new key at once (`Faults.primary_shows_rekey`).
- Adding and removing Regions sets the primary's LastChangedDate, as the recorded answers suggest.
- A replica shows Tags only if it has tags; a promoted secret shows its key as before.
- A resource policy is any JSON object, stored verbatim; BlockPublicPolicy blocks nothing. A replica shows and obeys
  the policy it received. PolicyName is in the answer only if requested.
- A resource policy can allow another account, and deny the secret's own. An unsupported statement, such as a condition
  on an IP address, has no effect.
- Nothing rotates: no version gets the id in RotateSecret's answer. Replicas and promoted secrets show no rotation.
  Canceling the rotation of a secret that never had one is an InvalidRequestException.
- Restoring a secret that is not deleted succeeds; one deleted without recovery is not found.
- `Simulator.set_cross_account` sets cross-account replication, but nothing replicates. A cross-account replica is
  read-only, as any other; promoting it drops CrossAccountPrimary.
- A Failed Region counts as a replica Region that forbids DeleteSecret. A secret deleted without recovery can be
  described for another `Faults.force_delete_delay_s`.
- An unusable key is an immediate EncryptionFailure in a secret's own Region, and a DecryptionFailure on reading.
  KmsKeyIds is `DefaultEncryptionKey` for the default key.
- A parameter of a wrong type is a ValidationException; unknown parameters are ignored.
- ListSecrets lags by `Faults.listing_lag_s` in every field and Region, by default not at all. It sorts ascending by
  default. A filter matches any of its values and none of its negated ones; filter `all` needs each word in an
  attribute.
- Nothing reaches or leaves a Region in an outage; delayed events happen when it is back.
- Any access key is the first account's only user, except those of assumed roles: their calls go to the role's account,
  which is created on first use, with its own secrets, keys and write quota. Anyone may assume any role, with any
  external id or none, except for `Simulator.put_trust`.
- Without `Simulator.put_organization`, no account is in an organization. It changes nothing but AssumeRole: an account
  that is not active, or has no roles, refuses it. Only the management account and delegated administrators may list
  accounts and OUs, whatever their policies are. Accounts and OUs are listed by id; an account shows State, or only
  Status (`OrganizationTree.status_only`).
- Another account's secret needs its whole ARN and a resource policy that allows the call; otherwise the call is denied,
  whatever the caller's policies are. A secret that the account does not have is not found; all its KMS keys are
  denied. Faults apply to every account.
"""
