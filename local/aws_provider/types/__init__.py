"""Resource types and functions, one module per AWS service or group of EC2 resources."""
