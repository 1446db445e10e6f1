"""Records what IAM would be asked for each call that the local AWS gets: who, which action, on what, with which keys.

`authorization.toml` says which API operation asks for which actions; one that is not there is recorded as unknown, so that
a test can be red about it rather than pass over it.
"""
