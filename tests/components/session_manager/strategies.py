from hypothesis import strategies as st

from components.session_manager.settings import RETENTION_DAYS, OnDestroy, SessionManagerSettings

names = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=3, max_size=12)
profiles = st.sampled_from(["", "cd ~", 'Write-Host "hallo"', "exec bash\n", "ls\t— ü"])

settings = st.builds(
    SessionManagerSettings,
    s3_logging=st.booleans(),
    s3_bucket_name=names,
    s3_key_prefix=st.sampled_from(["", "sessionmanager", "a/b"]),
    s3_encryption_enabled=st.booleans(),
    s3_kms_key_arn=st.sampled_from(["", "arn:aws:kms:eu-west-1:111122223333:key/1234abcd"]),
    s3_bucket_owner=st.sampled_from(["", "111122223333", "444455556666"]),
    create_cw_log_group=st.just(value=False),
    cw_log_group_name=st.just("") | names,
    cw_encryption_enabled=st.booleans(),
    cw_streaming_enabled=st.just(value=False),
    log_retention_days=st.sampled_from(RETENTION_DAYS),
    session_data_encryption=st.booleans(),
    run_as_enabled=st.booleans(),
    run_as_default_user=names,
    idle_session_timeout=st.integers(1, 60),
    max_session_duration=st.none() | st.integers(1, 1440),
    win_shell_profile=profiles,
    linux_shell_profile=profiles,
    on_destroy=st.sampled_from(OnDestroy),
)
