"""Every kind of report that there is: a line for each.

A report is its package in `reporters/` (`settings.py` with its section of the config, `reporter.py` with a function
`build`) and one line here. Only those that a config names are imported.
"""

from triggerbot.config import Plugin, ReportSettings

#: The key in the config, which is the name of the package -> the section in its `settings.py`.
_SECTIONS = {
    "github": "GitHubReportSettings",
    "slack": "SlackReportSettings",
    "webhook": "WebhookReportSettings",
}

_HERE = "triggerbot.reports.reporters"
PLUGINS: dict[str, Plugin[ReportSettings]] = {
    name: Plugin(f"{_HERE}.{name}.settings:{section}", f"{_HERE}.{name}.reporter:build")
    for name, section in _SECTIONS.items()
}
