"""Every kind of report that there is: its key in the config, and where its section and its `build` are.

Only those that a config names are imported.
"""

from triggerbot.config import Kind, ReportSettings

KINDS: dict[str, Kind[ReportSettings]] = {
    "github": Kind("triggerbot.publish.github_settings:GitHubReportSettings", "triggerbot.publish.github:build"),
    "slack": Kind("triggerbot.publish.slack_settings:SlackReportSettings", "triggerbot.publish.slack:build"),
    "webhook": Kind("triggerbot.publish.webhook_settings:WebhookReportSettings", "triggerbot.publish.webhook:build"),
}
