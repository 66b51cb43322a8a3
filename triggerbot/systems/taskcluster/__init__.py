"""The Taskcluster system: messages over AMQP, look-back by task group, retriggers by the push's actions."""
