from components.session_manager.key_policies import data_key_policy, logs_key_policy


def test_data_key_is_governed_by_the_iam_policies_of_its_account() -> None:
    (statement,) = data_key_policy(partition="aws", account_id="111122223333")["Statement"]
    assert statement["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"}


def test_logs_key_serves_log_groups_of_account_and_region() -> None:
    policy = logs_key_policy(partition="aws", account_id="111122223333", region="eu-west-1")
    (service,) = (each for each in policy["Statement"] if "Service" in each["Principal"])
    assert service["Principal"] == {"Service": "logs.eu-west-1.amazonaws.com"}
    assert service["Condition"] == {
        "ArnLike": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:eu-west-1:111122223333:log-group:*"}
    }
    assert service["Action"] == [
        "kms:Decrypt",
        "kms:Describe*",
        "kms:Encrypt",
        "kms:GenerateDataKey*",
        "kms:ReEncrypt*",
    ]


def test_china_has_a_service_principal_of_its_own() -> None:
    policy = logs_key_policy(partition="aws-cn", account_id="111122223333", region="cn-north-1")
    assert {"Service": "logs.cn-north-1.amazonaws.com.cn"} in [each["Principal"] for each in policy["Statement"]]
