"""Numbers that are the failure, not what varies about it: HTTP statuses, exit codes, signals and the like. Pure."""

import re

#: Each has one group, the number. The words before it, or behind it, tell what it is.
DECIDING = re.compile(
    r"""
      \bHTTP(?:/\d(?:\.\d)?)?(?:\ (?:code|status|error|response))?[ :=]+\(?([1-5]\d\d)\b
    | (?i:\bstatus(?:[ _-]?code)?(?:\ (?:was|is|of))?|\breturned\ error
      |\bresponse(?:\ code)?)[ :=]+'?\(?(-?\d{1,3})\b(?![.:/])
    | (?<![\w.:/#-])([45]\d\d)(?=,?\ (?:Client|Server|Bad|Not|Un|Forbidden|Internal|Service|Gateway|Too|Conflict
      |Gone|Error)\w*)
    | (?<![\w.\#:-])([1-5]\d\d)(?=\ [!=]=\ (?:[23]\d\d\b|\#)(?![\w.]))
    | (?i:\bexit(?:ed)?(?:\ with)?(?:[ _-]?(?:code|status|value))?)(?::|\ |=|:\ )'?(-?\d{1,10})\b(?!%)
    | (?i:\b(?:return[ _-]?code|rc|error\ code|errorlevel))(?:\ is|\ was)?(?::|\ |=|:\ )'?(-?\d{1,10})\b
    | \bcode:?\ (-?\d{1,5})(?=,|\)|$)
    | (?i:\b(?:returned|got|received|answered|answered\ with|replied|responded\ with|gave|server\ said
      |but\ was))(?::|)\ ([45]\d\d)\b(?![.:/]?\d)
    | <int>:\ ([1-5]\d\d)(?=\ to\ equal\ <int>:\ (?:[23]\d\d\b|\#))
    | \bos\ error\ (\d{1,5})\b
    | (?i:\bsignal)[ :=]+(\d{1,2})\b
    | (?i:\berrno)[ :=]+(\d{1,5})\b
    | \b(?:[A-Z]{2,5}|RUSTSEC)-(\d{3,6}(?:-\d{1,6})?)\b
    | (?i:\bSQL\ ?STATE)\W{1,4}([0-9A-Z]{5})\b
    | \b(?:function|callback|clause\ matching\ in|undef(?:ined)?)\ '?[\w.:]{0,80}[\w?!]/(\d{1,2})(?![\w/.])
    """,
    re.VERBOSE,
)
