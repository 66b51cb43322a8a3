"""Taskcluster, as at Mozilla: messages over AMQP, look-backs by task group, retriggers by the push's own actions."""
