"""Library of the components, the policy pack and the operations: settings, AWS, IAM. Imports none of them."""
