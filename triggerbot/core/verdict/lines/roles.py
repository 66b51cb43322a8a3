"""What a line of a log is: a failure, a frame of a stack, source code, a warning, or what stands around. Pure."""

import re
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from triggerbot.core.verdict.lines.generic import is_generic
from triggerbot.core.verdict.lines.shape import LINE_MAX, SUITE, TEST, bare, shape

#: Lines in a cache.
_CACHED = 4096


class Role(IntEnum):
    """What a line tells about a failure, the most telling first."""

    #: It names a failing test, with or without a message.
    TEST = 0
    #: It names a file or a class of tests.
    SUITE = 1
    #: It says what failed.
    FAILURE = 2
    #: It says what any failing test may say: only beside the name of the test does it tell anything.
    ASSERTION = 3
    #: It says something that is neither known to be a failure nor to be none.
    OTHER = 4
    #: A frame of a stack.
    FRAME = 5
    #: A warning, or a line of a lower level.
    WARNING = 6
    #: It says that something failed, not what.
    GENERIC = 7
    #: Source code, values, what passed, progress: nothing.
    NOTHING = 8


#: Frames of stacks: of Python, Java and .NET and JavaScript, Go, Rust, C, Mozilla, in this order.
_FRAME = re.compile(
    r"""
      File\ '[^']+',\ line\ [\d\#]+ | [\w./<>-]+\.py:\d+:\ (?:in\ |\w*(?:Error|Exception|Failed|Timeout)$)
    | at\ (?:async\ |new\ |app//)?[\w$.<>/@`\[\]\ ,:~*-]{1,200}(?:\(|:\d) | at\ \S+:\d+ | at\ \S+\ in\ \S+
      | \.\.\.\ \d+\ more
    | \u276f\ (?:\S+\ )?\S+:\d+ | [\w$.</>*\[\]-]{0,80}@\S+:\d+(?::\d+)? | \#\ \S+:\d+:in\b | \[?0x[0-9a-f]+\]?
      | \w{0,40}\ ?<anonymous>
    | goroutine\ \d+\ \[ | created\ by\ \S+ | \S+\.go:\d+\ \+0x
      | (?=\S*[./])[\w./-]++(?:\(\*?\w+\)\.[\w.]++)?\((?:\.\.\.|[{]?0x[^()]{0,200}|)\)$
    | \d+:\ +(?:0x[0-9a-f]+\ -\ )?[\w<>]+(?:::[\w<>{}\#]+)+ | \d+:\ rust_\w+
    | \#\d+\ +(?:0x)? | frame\ \#\d+ | \d+\ +\S+\ +0x[0-9a-f]+ | \d+\ +[\w.-]+!\S
    | Error\ Trace: | thread\ \d+\ \(crashed
    """,
    re.VERBOSE,
)
#: Source code, positions in it, values and other details of what was said already.
_DETAIL = re.compile(
    r"""
      >?\ ?\d*\ ?\|(?:\ |$) | [\^~|\s-]+$ | >\ (?![A-Z]|\S+@\d)\S | \+\ \ (?:where|and)\ | [-+]{1,3}\ ?(?:Expected
        |Received|Actual|expected|actual)\b | (?:https?|file)://\S+$ | \u276f\ \S+\ \( | [-+]\ \S{1,60}$
    | (?:Expected|Received|Actual|Got|expected|received|actual|got|want|left|right|But\ was
      |Which\ is)(?:\ \w+)?\ *:\ | \u2192\ | =\ (?:note|help):\ (?!.*\bld:)
    | In\ file\ included\ from | .{0,300}:\ (?:In|in)\ (?:member\ )?(?:function|lambda|constructor)\b.{0,200}:$
      | (?:from
      |location|Receiver|Locator)\b.{0,200}[:,]$
    | throw\s | return\b | (?:import|from|await|const|let|var|if|for|while|self|this|def|func|fn|assert|expect
      |raise)\b[^:]*[;({\[\])]$
    | (?!REQUIRE|CHECK|EXPECT|ASSERT)[^\s(]{1,200}+\([^'"]*\)[;,{]?$ | [\w.]+\ =\ .* | [}\])]+[;,]?$
      | (?!exit)['\w]+:\ (?:true|false|undefined|null|\d+),?$ | [\w./@+-]+:[\d:]+:?$ | \(node:\d+\)[ ]
      | -\ (?:waiting\ for|expect\.|navigated|locator|unexpected\ value|attempting)\b | Locator:\ | symbol\ *:
      |location: | <\w+>:\ \S+$
    | (?:Host|Build|Driver|System)\ info: | Message:\ Error$ | \.\.\.$ | failures:$ | Messages:\ *$
      | Error:\ *Not\ equal:$
    """,
    re.VERBOSE,
)
#: What passed, progress, and commands.
_AROUND = re.compile(
    r"""
      (?:===|---)\ (?:RUN|PASS|SKIP|PAUSE|CONT|NAME)\b | \[\ *(?:RUN|OK|PASSED|-+|=+)\ *\] | .{0,200}\.\.\.\ ok$
        | ok\ \d+ | ok\s | TEST-(?:PASS|START|OK|INFO|SKIP|KNOWN)
    | [\u2713\u2714\u221a]\ | PASS(?:ED)?\b | .{0,200}\bPASSED(?:\s|$) | Test\ Case\ '.*'\ (?:passed|started)
      | Test\ Suite\ '.*'\ (?:passed|started)
    | \#\#\[(?:group|endgroup|debug|command|section)\] | ::(?:group|endgroup|debug|notice) | [+$]\ \S
      | >\ [\w@./-]+@\d\S* | running\ \d+ | Running\ | \#\ Subtest | TAP\ version | \d+\.\.\d+$
    | (?:Requirement\ already|Collecting|Downloading|Downloaded|Installing|Compiling|Fetching|Get:\d|Hit:\d|Ign:\d
      |Unpacking|Setting\ up|Receiving|Resolving|Cloning|Building|Starting|Stopping|Using|Preparing|Loaded
      |Listening)\b(?!.*(?i:fail|error|cannot|denied|refused))
    | \S+\.py\ [.FEsxX]+(?:\ *\[\ *\d+%\])?$ | [.FEsxX]+\ *\[\ *\d+%\]
    | SUITE-|buildid|section_(?:start|end)|coverage:\ |\[Pipeline\]\ |INFO\ - | \d{4}/\d\d/\d\d\ [\d:]+\ listening
      | \S+\ -\ -\ \[.*"\S+\ \S+\ HTTP | .*'(?:GET|POST|PUT|HEAD|DELETE)\ \S+\ HTTP/[\d.]+'\ [123]\d\d
    | TASK\ \[|PLAY\ \[|PLAY\ RECAP | \S+\ :\ ok=\d
    """,
    re.VERBOSE,
)
#: A level below that of errors, near the beginning.
_LEVEL = re.compile(
    r"(?:^|[\s\[|(])(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING)(?=[\s\]:|)])"
    r"|^(?:npm )?(?:warn(?:ing)?|Warning|info|debug|notice)\b[: ]"
    r"|^##\[warning\]|^::warning|: warning(?: \w+\d+)?:|\bWARN: |^[IW]\d{4} |^warning\["
)
#: What a CI or a compiler calls a warning: never a failure.
_WARNING = re.compile(r"(?:##\[warning\]|::warning\b|(?:\S+:\d\S*:? )?[Ww]arning(?:\[\w+\]| \w+\d+)?:(?: |$))")
_NO_WARNING = re.compile(r"Sanitizer|DATA RACE|TEST-UNEXPECTED|PROCESS-CRASH|\bWARN: Disconnected")
#: What makes a line one that says what failed.
_FAILURE = re.compile(
    r"""
      ^Value\ of: | ^\w+_test\.go:\S+\ \S | (?<![\w.])(?:[a-z_]\w*\.)+[A-Z]\w+(?::\ |$) | \b[A-Z]\w*(?:Error
        |Exception|Failure|Fault|Timeout|Interrupt|Exit|Abort|Panic)\b
    | (?:E\ |e:\ |E:\ ) | \bSIG[A-Z]{3,5}\b | \b[A-Z]{1,6}\d{3,5}\b | \bE[A-Z]{4,}\b | \bERR_[A-Z_]+ | Sanitizer\b
      | \bREQUIRE|\bCHECK\b|\bEXPECT_|\bASSERT|\#\#\#!!!
    | (?i:\b(?:errors?|exception|errno|fail(?:ed|ure|s)?|fatal|panic(?:ked)?|abort(?:ed)?|assert\w*|den(?:y|ied)
      |refused|reject(?:s|ed)?|tim(?:ed|e)[ -]?out|timeout|deadline
      |not\ (?:found|defined|declared|used|a|an|be|close|exist|equal|valid|in|available|ready|supported|permitted
        |allowed|match|implemented|compatible|resolve)
      |cannot|can't|couldn't|could\ not|unable|un(?:defined|resolved|expected|known|reachable|authori[sz]ed|handled
        |available|declared|caught|bound|satisfied|recognized|supported)
      |missing|invalid|illegal|incorrect|bad|wrong|forbidden|expected|crash(?:ed|es)?|killed|segmentation
        |corrupt(?:ed)?|exceeded|reset\ by|broken|no\ (?:such|space|route|matching|available|rule|type|member|layout
        |module|file|value|capacity|usable)
      |mismatch(?:ed)?|differs?|different|lost|leak(?:s|ed)?|overflow|underflow|deadlock|does(?:n't|\ not)|did(?:n't
        |\ not)|isn't|is\ not|was\ not|were\ not|must(?:\ not)?|never|already|conflict|violat\w+|out\ of\ (?:memory
        |range|bounds|space)
      |signal|race|null|nil|ended|closed|expired|stale|stalled|stopped|too\ many|too\ large|reason|unhealthy|evicted
        |locked|disconnected|incomplete|status|exited|terminated|without|dropped|interrupted|required|declared
        |defined)\b)
    """,
    re.VERBOSE,
)


#: The message of an assertion or exception.
_ASSERTION = re.compile(
    r"(?:E )?(?:[\w.]*\w(?:Error|Exception|Failure|Failed|Timeout)\b|assert|[Ee]xpect|Segmentation|Aborted|Bus error"
    r"|thrown: |.*\b[Tt]imeout of|[Tt]imed out|#? ?[!=]= \S)"
)
#: It says where a failure is, and another line says what it is.
_WHERE = re.compile(
    r"FAILED: \S+\.o$|ERROR: \S*BUILD(?:\.bazel)?:\S+ .* failed: \(|(?:\* )?Execution failed for task"
    r"|Error response from daemon$|.*\[build failed\]$"
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a log: its shape, and what it is."""

    text: str
    shape: str
    role: Role


def read(line: str) -> Line:
    """Return what a line is."""
    return _read(line[:LINE_MAX])


@lru_cache(_CACHED)
def _read(line: str) -> Line:
    text = bare(line)
    masked = shape(line)
    return Line(text, masked, _role(line, text, masked))


def _role(line: str, text: str, masked: str) -> Role:
    if _FRAME.match(text):
        return Role.FRAME
    if masked.startswith(TEST):
        return Role.TEST
    if masked.startswith(SUITE):
        return Role.SUITE
    if not masked:
        return Role.NOTHING
    if _AROUND.match(text):
        return Role.NOTHING
    if _DETAIL.match(text):
        return Role.NOTHING
    if _WARNING.match(text) and not _NO_WARNING.search(line):
        return Role.NOTHING
    if is_generic(masked):
        return Role.ASSERTION if _ASSERTION.match(masked) else Role.GENERIC
    if _LEVEL.search(text[:160]) and not _NO_WARNING.search(line):
        return Role.WARNING
    if _WHERE.match(text):
        return Role.OTHER
    return Role.FAILURE if _FAILURE.search(masked) else Role.OTHER
