"""KMS keys: one store per Region, and what a bad key does to a replication."""

import pytest

from smrep.sandbox.simulator.simulated_aws import ApiError

WEST = "us-west-2"
DEFAULT = "alias/aws/secretsmanager"


def replicate(account, key):
    wanted = [{"Region": WEST, "KmsKeyId": key}]
    account.sm("ReplicateSecretToRegions", SecretId="db", AddReplicaRegions=wanted)
    account.tick(2)
    return account.status()[WEST]


def refused(account, operation, region="us-east-1", **params):
    with pytest.raises(ApiError) as caught:
        account.kms(operation, region, **params)
    return caught.value.code


def test_a_key_is_described_by_id_arn_alias_and_alias_arn(account):
    arn = account.key(alias="alias/dr")
    for key_id in (arn, arn.rpartition("/")[2], "alias/dr", arn.partition(":key/")[0] + ":alias/dr"):
        metadata = account.kms("DescribeKey", KeyId=key_id)["KeyMetadata"]
        assert metadata["Arn"] == arn
        assert (metadata["KeyState"], metadata["KeyManager"]) == ("Enabled", "CUSTOMER")
        assert (metadata["KeyUsage"], metadata["KeySpec"]) == ("ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT")


def test_every_region_has_its_own_default_key_from_the_start(account):
    here, there = (account.kms("DescribeKey", region, KeyId=DEFAULT)["KeyMetadata"] for region in ("us-east-1", WEST))
    assert here["KeyManager"] == "AWS"
    assert here["Arn"] != there["Arn"]
    assert WEST in there["Arn"]


def test_a_key_is_not_found_in_another_region(account):
    arn = account.key(alias="alias/dr")
    for key_id in (arn, arn.rpartition("/")[2], "alias/dr"):
        assert refused(account, "DescribeKey", WEST, KeyId=key_id) == "NotFoundException"


def test_keys_are_disabled_and_enabled_but_not_by_alias_and_not_awss_own(account):
    arn = account.key(alias="alias/dr")
    account.kms("DisableKey", KeyId=arn)
    assert account.kms("DescribeKey", KeyId=arn)["KeyMetadata"]["KeyState"] == "Disabled"
    account.kms("EnableKey", KeyId=arn)
    assert account.kms("DescribeKey", KeyId=arn)["KeyMetadata"]["Enabled"] is True
    assert refused(account, "DisableKey", KeyId="alias/dr") == "NotFoundException"
    managed = account.kms("DescribeKey", KeyId=DEFAULT)["KeyMetadata"]["KeyId"]
    assert refused(account, "DisableKey", KeyId=managed) == "AccessDeniedException"
    account.simulator.set_key_state(arn, "us-east-1", "PendingDeletion")
    assert refused(account, "EnableKey", KeyId=arn) == "KMSInvalidStateException"


def test_a_key_awaits_its_deletion_and_comes_back_disabled(account):
    arn = account.key(alias="alias/dr")
    assert account.kms("ScheduleKeyDeletion", KeyId=arn, PendingWindowInDays=7)["KeyState"] == "PendingDeletion"
    assert refused(account, "ScheduleKeyDeletion", KeyId=arn) == "KMSInvalidStateException"
    assert refused(account, "EnableKey", KeyId=arn) == "KMSInvalidStateException"
    assert account.kms("CancelKeyDeletion", KeyId=arn) == {"KeyId": arn}
    assert account.kms("DescribeKey", KeyId=arn)["KeyMetadata"]["KeyState"] == "Disabled"
    assert refused(account, "CancelKeyDeletion", KeyId=arn) == "KMSInvalidStateException"


def test_an_alias_is_taken_once_and_must_be_one(account):
    arn = account.key(alias="alias/dr")
    assert refused(account, "CreateAlias", AliasName="alias/dr", TargetKeyId=arn) == "AlreadyExistsException"
    assert refused(account, "CreateAlias", AliasName="dr", TargetKeyId=arn) == "InvalidAliasNameException"
    assert refused(account, "CreateAlias", AliasName="alias/aws/x", TargetKeyId=arn) == "NotAuthorizedException"
    assert refused(account, "CreateAlias", AliasName="alias/x", TargetKeyId="nope") == "NotFoundException"


def test_a_multi_region_key_has_its_own_kind_of_id(account):
    assert ":key/mrk-" in account.key(MultiRegion=True)


def test_a_primary_on_the_default_key_omits_it_and_a_replica_shows_its_alias(account):
    account.secret(KmsKeyId=DEFAULT)
    assert replicate(account, DEFAULT)[0] == "InSync"
    assert "KmsKeyId" not in account.describe()
    assert account.describe(region=WEST)["KmsKeyId"] == DEFAULT


def test_a_replica_has_a_key_of_its_own_shown_as_it_was_given(account):
    account.key(WEST, alias="alias/dr")
    account.secret()
    assert replicate(account, "alias/dr")[0] == "InSync"
    assert account.describe()["ReplicationStatus"][0]["KmsKeyId"] == "alias/dr"
    assert account.describe(region=WEST)["KmsKeyId"] == "alias/dr"
    (version,) = account.sm("ListSecretVersionIds", WEST, SecretId="db")["Versions"]
    assert version["KmsKeyIds"] == ["alias/dr"]


def bad_keys():
    def missing(account):
        return "alias/nowhere"

    def of_another_region(account):
        return account.key("us-east-1")

    def disabled(account):
        arn = account.key(WEST)
        account.kms("DisableKey", WEST, KeyId=arn)
        return arn

    def asymmetric(account):
        return account.key(WEST, KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")

    def for_signing(account):
        return account.key(WEST, KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")

    return [missing, of_another_region, disabled, asymmetric, for_signing]


@pytest.mark.parametrize("bad_key", bad_keys(), ids=lambda make: make.__name__)
def test_a_bad_key_fails_later_not_at_once(account, bad_key):
    account.secret()
    key = bad_key(account)
    status, message = replicate(account, key)
    assert status == "Failed"
    assert "KMS" in message
    assert key in message
    assert not account.exists("db", WEST)


def test_a_failed_key_can_be_replaced_by_trying_again(account):
    account.secret()
    assert replicate(account, "alias/nowhere")[0] == "Failed"
    assert replicate(account, account.key(WEST))[0] == "InSync"


def test_a_bad_key_at_the_primary_fails_too(account):
    key = account.key()
    account.secret(KmsKeyId=key)
    account.kms("DisableKey", KeyId=key)
    assert replicate(account, DEFAULT)[0] == "Failed"


def test_so_does_one_of_an_older_version_that_still_has_a_label(account):
    old, new = account.key(), account.key()
    account.secret(KmsKeyId=old)
    put = {"SecretId": "db", "SecretString": "two", "VersionStages": ["keep"]}
    account.sm("PutSecretValue", **put)
    account.sm("UpdateSecret", SecretId="db", KmsKeyId=new)
    account.kms("DisableKey", KeyId=old)
    assert account.value() == "one"
    status, message = replicate(account, DEFAULT)
    assert status == "Failed"
    assert old in message


def test_a_deprecated_version_may_be_under_any_key(account):
    old, new = account.key(), account.key()
    account.secret(KmsKeyId=old)
    account.kms("DisableKey", KeyId=old)
    account.sm("UpdateSecret", SecretId="db", KmsKeyId=new, SecretString="two")
    account.sm("PutSecretValue", SecretId="db", SecretString="three")
    account.sm("PutSecretValue", SecretId="db", SecretString="four")
    assert replicate(account, DEFAULT)[0] == "InSync"


def test_trying_again_with_another_key_brings_every_version_under_it(account):
    old, new = account.key(WEST), account.key(WEST)
    account.secret()
    replicate(account, old)
    account.kms("DisableKey", WEST, KeyId=old)
    account.sm("UpdateSecret", SecretId="db", Description="x")
    account.tick(2)
    assert account.status()[WEST][0] == "Failed"
    assert replicate(account, new)[0] == "InSync"
    (version,) = account.sm("ListSecretVersionIds", WEST, SecretId="db")["Versions"]
    assert version["KmsKeyIds"] == [new]


def test_a_bad_key_in_the_own_region_is_refused_at_once(account):
    assert account.refusal("CreateSecret", Name="db", KmsKeyId="alias/nowhere")[0] == "EncryptionFailure"
    account.secret()
    assert account.refusal("UpdateSecret", SecretId="db", KmsKeyId="x")[0] == "EncryptionFailure"


def test_with_its_key_disabled_a_secret_is_neither_read_nor_written(account):
    key = account.key()
    account.secret(KmsKeyId=key)
    account.kms("DisableKey", KeyId=key)
    assert account.refusal("GetSecretValue", SecretId="db")[0] == "DecryptionFailure"
    assert account.refusal("PutSecretValue", SecretId="db", SecretString="x")[0] == "EncryptionFailure"
    refusal = account.refusal("UpdateSecret", SecretId="db", SecretString="x", Description="y")
    assert refusal[0] == "EncryptionFailure"
    assert "Description" not in account.describe()


def test_a_replicas_key_and_nothing_else_is_changed_in_its_region(account):
    account.replicated(WEST)
    key = account.key(WEST)
    token = "11111111-2222-4333-8444-555555555555"
    account.sm("UpdateSecret", WEST, SecretId="db", KmsKeyId=key, ClientRequestToken=token)
    assert account.describe(region=WEST)["KmsKeyId"] == key
    assert account.describe()["ReplicationStatus"][0]["KmsKeyId"] == key
    for more in ({"Description": "x"}, {"SecretString": "x"}, {"SecretBinary": "eA=="}):
        code, message = account.refusal("UpdateSecret", WEST, SecretId="db", KmsKeyId=key, **more)
        assert code == "InvalidParameterException"
        assert message.startswith("Operation not permitted on a replica secret.")
    assert account.refusal("UpdateSecret", WEST, SecretId="db", KmsKeyId="x")[0] == "EncryptionFailure"
    account.sm("UpdateSecret", WEST, SecretId="db", KmsKeyId="")
    assert account.describe(region=WEST)["KmsKeyId"] == DEFAULT


def test_the_primary_need_not_show_the_new_key(account_with):
    account = account_with(primary_shows_rekey=False)
    account.replicated(WEST)
    account.sm("UpdateSecret", WEST, SecretId="db", KmsKeyId=account.key(WEST))
    assert account.describe()["ReplicationStatus"][0]["KmsKeyId"] == DEFAULT


def test_a_version_whose_old_key_is_disabled_silently_stays_under_it(account):
    old, new = account.key(), account.key()
    account.secret(KmsKeyId=old)
    account.kms("DisableKey", KeyId=old)
    account.sm("UpdateSecret", SecretId="db", KmsKeyId=new)
    (version,) = account.sm("ListSecretVersionIds", SecretId="db")["Versions"]
    assert version["KmsKeyIds"] == [old]


def test_aliases_are_listed_in_pages_of_their_own_region(account):
    arn = account.key(alias="alias/b")
    account.kms("CreateAlias", AliasName="alias/a", TargetKeyId=arn)
    first = account.kms("ListAliases", Limit=2)
    assert [each["AliasName"] for each in first["Aliases"]] == ["alias/a", "alias/aws/secretsmanager"]
    assert first["Truncated"] is True
    last = account.kms("ListAliases", Limit=2, Marker=first["NextMarker"])
    (entry,) = last["Aliases"]
    assert entry["AliasName"] == "alias/b"
    assert entry["TargetKeyId"] == arn.rpartition("/")[2]
    assert entry["AliasArn"] == arn.partition(":key/")[0] + ":alias/b"
    assert last["Truncated"] is False
    assert "NextMarker" not in last
    assert [each["AliasName"] for each in account.kms("ListAliases", WEST)["Aliases"]] == [DEFAULT]
    assert refused(account, "ListAliases", Marker="x") == "InvalidMarkerException"


def test_a_secret_without_a_value_is_in_sync_under_a_key_that_does_not_exist_until_it_gets_one(account):
    account.sm("CreateSecret", Name="db")
    assert replicate(account, "alias/nowhere")[0] == "InSync"
    account.sm("PutSecretValue", SecretId="db", SecretString="first")
    account.tick(2)
    assert account.status()[WEST][0] == "Failed"
