"""Every kind of report that there is: its key in the config, and where its section and its `build` are.

Only those that a config names are imported.
"""

from triggerbot.config import Kind, ReportSettings

KINDS: dict[str, Kind[ReportSettings]] = {
    "github": Kind(
        "triggerbot.reports.reporters.github_settings:GitHubReportSettings", "triggerbot.reports.reporters.github:build"
    ),
    "slack": Kind(
        "triggerbot.reports.reporters.slack.settings:SlackReportSettings", "triggerbot.reports.reporters.slack:build"
    ),
    "webhook": Kind(
        "triggerbot.reports.reporters.webhook_settings:WebhookReportSettings",
        "triggerbot.reports.reporters.webhook:build",
    ),
}
