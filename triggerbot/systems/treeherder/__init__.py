"""The Treeherder system: its job messages as events, its list of a push's jobs as look-back; no retriggers itself."""
