"""Local AWS: moto on 127.0.0.1, extended and corrected to match the AWS documentation."""
