"""The actions that a decision task offers, as Gecko's do."""

from typing import Any

IN_TREE = "project-gecko/in-tree-action-3-generic/abc123"


def retrigger_actions(**more: Any) -> dict[str, Any]:
    """Return a decision task's actions, reduced from Gecko's: several are called retrigger."""

    def action(name: str, context: list[Any], title: str, callback: str, **extra: Any) -> dict[str, Any]:
        return {
            "name": name, "title": title, "kind": "hook", "context": context, "hookGroupId": "project-gecko",
            "hookId": IN_TREE.partition("/")[2], "description": title,
            "hookPayload": {
                "decision": {"action": {"cb_name": callback, "name": name}, "pushed": {"$eval": "pushed"}},
                "user": {name: {"$eval": name} for name in ("input", "taskGroupId", "taskId")},
            },
            **extra,
        }  # fmt: skip

    schema = {
        "type": "object",
        "properties": {
            "times": {"type": "integer", "minimum": 1, "maximum": 100}, "downstream": {"type": "boolean"},
        },
    }  # fmt: skip
    labels = {
        "type": "object",
        "properties": {
            "tasks": {"type": "array", "items": {"type": "string"}},
            "times": {"type": "integer", "minimum": 1, "maximum": 100, "default": 1},
        },
    }  # fmt: skip
    force = {"type": "object", "required": ["force"], "properties": {"force": {"type": "boolean"}}}
    return {
        "version": 1,
        "variables": {"pushed": "by somebody"},
        "actions": [
            action("retrigger-custom", [{"test-type": "mochitest"}], "Custom", "custom"),
            action("retrigger", [{"kind": "decision-task"}], "Retrigger decision", "retrigger-decision"),
            action("retrigger", [{"retrigger": "true"}], "Retrigger", "retrigger", schema=schema),
            action("retrigger", [{}], "Retrigger (disabled)", "retrigger-disabled", schema=force),
            action("add-new-jobs", [], "Add new jobs", "add-new-jobs", schema=labels),
            action("cancel-all", [], "Cancel all", "cancel-all"),
        ],
        **more,
    }
