"""A local AWS that replicates secrets as the real one does: Secrets Manager, KMS and STS in memory.

Of EC2, Account Management and IAM there is what tells which Regions are enabled and what an identity may
do: DescribeRegions, ListRegions and SimulatePrincipalPolicy.

`simulator.Simulator` is the state machine of an account, and `Simulator.account` leads to others.
`server.SandboxServer` puts it behind HTTP on loopback, `faults.Faults` makes it misbehave and `seed` fills it.
`drill.availability_probe` follows what readers and writers of a secret get, and `drill.drill_fleet` is the scene of a
rehearsal.
Time is a function that is passed in: what AWS does asynchronously happens when that clock says so, as of that
moment, in one fixed order.

Where AWS's record leaves a question open, the sandbox makes a choice. Each is marked "Choice:" where it
is made; a program that must work with AWS must not depend on any of them:

- Replicating to a Region that is listed and not Failed changes nothing, its key neither. A Failed one
  is tried again with what the new call says.
- Every Region whose name fits the pattern exists and is enabled, but for `Faults.disabled_regions`, which
  may name any. The primary's own Region, a missing one and one of another partition are `Invalid replica
  region.` at once; so is no Region named twice.
- A Region that is not enabled is no `Invalid replica region.`: the replication ends Failed, in the
  sandbox's own words, and so does an InSync one at the primary's next change. A removal is carried out
  there. EC2 and STS refuse calls there in their own codes for unknown credentials.
- DescribeRegions and ListRegions know the Regions of the caller's partition by name, all opt-in ones
  enabled. DescribeRegions shows a Region that is named whether it is enabled or not, and no geography.
- IAM's simulation knows the account's one user, who may do everything, and who `Simulator.put_role` says,
  by the exact ARN. Nothing of it decides over calls. What `Faults.denied` denies is an implicitDeny there.
  No context key is filled in by itself, no organization takes part, and all comes in one page. Boundaries,
  resource policies, policy variables and conditions other than String*, Bool and Null are not modelled, and
  refused where they are given.
- Of several resources a simulation's EvaluationResult shows the ARN's template and one decision for all:
  explicitDeny if any is, else allowed if any is. Of one resource it shows that one's ARN.
- The words of a failure for a secret that is pending deletion or still being removed in the target are the
  sandbox's own. A failure for a KMS key has KMS's words and code, and a Request ID that no other has; AWS's own
  envelope was seen for a replica's key that does not exist, and is taken for every other.
- A secret that holds no value is InSync under any key, since nothing is encrypted.
- An entry that is stuck (`Faults.stuck`) stays so when the fault is over, until the Region is removed and
  replicated again.
- A name clash says `Replication failed: Secret name <name> already exists in region <region>.`
- Overwriting spares a primary with replicas, a secret scheduled for deletion, and a replica that is
  still being removed: each ends Failed. A Region that a primary lists counts as a replica only where its
  replica is, or is under way: after a promotion the old primary can be overwritten from there
  (`Faults.stale_entry_guards`). What was still to happen to it then does not.
- An InSync entry stays InSync while a later change is under way (`Faults.value_delay_s`). When the
  change can't be written, it becomes Failed and the replica keeps what it had. A Failed replica gets
  nothing until it is tried again.
- Removing a Region that is not listed is no mistake. Removing one never deletes what is not this
  primary's own replica. Removing a Region while it is InProgress means nothing is made there.
- A primary deleted while a removal is under way strands that replica (`Faults.strands_replicas`).
- After a promotion the old primary goes on showing its last word for the Region
  (`Faults.promoted_entry`). Promoting what is no replica is an InvalidRequestException; promoting a
  replica that is being removed saves it.
- PrimaryRegion stays when the last replica is removed (`Faults.keeps_primary_region`).
- A replica's new key is shown by the primary at once (`Faults.primary_shows_rekey`).
- Adding and removing Regions sets the primary's LastChangedDate, as the recorded answers suggest.
- A replica shows Tags only where there are some; a promoted secret goes on showing its key as before.
- A resource policy may be any JSON object and is kept to the letter; BlockPublicPolicy blocks none. A replica
  shows and obeys the policy it has received. PolicyName is answered only where it was asked.
- A resource policy lets another account in, and what it denies it denies to the secret's own account too. A
  statement with something that is not modeled, such as a condition on an IP address, says nothing.
- Nothing rotates: RotateSecret answers the id of a version that is never made. Neither a replica nor a
  promoted secret shows anything of rotation. Cancelling the rotation of a secret that never had one is an
  InvalidRequestException.
- Restoring a secret that is not deleted is no mistake; one deleted without recovery is not found.
- Cross-account replication is what `Simulator.set_cross_account` says: nothing flows. A cross-account
  replica is read-only as any other; promoting it drops CrossAccountPrimary.
- A Failed Region counts among the replica Regions that forbid DeleteSecret. A secret deleted without
  recovery can be described for `Faults.force_delete_delay_s` more.
- A key that can't be used is an EncryptionFailure at once for a secret's own Region, a
  DecryptionFailure on reading. KmsKeyIds says `DefaultEncryptionKey` for the default key.
- Parameters of a wrong type are a ValidationException; parameters unknown to the sandbox are ignored.
- ListSecrets is as far behind as `Faults.listing_lag_s` says, in everything it shows of a secret, in each
  Region alike; by default it is not. It sorts ascending by default. Of one filter's values any may match, and no
  negated one; filter `all` wants each word somewhere in an attribute.
- Nothing reaches or leaves a Region in an outage; what was under way happens when it is back.
- Any access key is the first account's one user, but for those of roles: calls signed with these are made in
  the role's own account, which is made when it is first asked for and has secrets, keys and a write quota of its
  own. Every role may be taken on by everybody, with any external id or none, but for `Simulator.put_trust`.
- Another account's secret answers to its whole ARN, if its resource policy allows the call; else the call is denied,
  whatever the caller's own policies say. What another account does not hold is not found, and each of its KMS keys
  is denied. Faults hold in every account.
"""
