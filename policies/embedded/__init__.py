"""Resources inside other resources: CloudFormation templates, Cloud Control, aws-native."""
