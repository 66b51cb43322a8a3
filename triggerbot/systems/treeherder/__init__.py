"""Treeherder: its own job messages as events, its list of a push's jobs as look-back; retriggers go elsewhere."""
