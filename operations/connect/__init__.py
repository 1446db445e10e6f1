"""`connect`: session on an instance, through the AWS CLI."""
