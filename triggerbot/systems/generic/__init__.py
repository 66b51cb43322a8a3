"""The generic system: any CI that can speak plain HTTP joins with three calls and signed webhooks.

The contract is in docs/reference/events.md. Webhooks are signed as Standard Webhooks say and carry one event, or a list
of them.
"""
