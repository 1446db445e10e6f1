from components.session_manager.key_policies import logs_key_policy


def test_china_has_a_service_principal_of_its_own() -> None:
    policy = logs_key_policy(partition="aws-cn", account_id="111122223333", region="cn-north-1")
    assert {"Service": "logs.cn-north-1.amazonaws.com.cn"} in [each["Principal"] for each in policy["Statement"]]
