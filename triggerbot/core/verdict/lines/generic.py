"""Lines that any failure may show: by their words, or because they only say that a tool or the CI ended so. Pure."""

import re

from triggerbot.core.verdict.lines.words import words

#: What tools, CIs and harnesses say of any failure, however it came about.
_ENDINGS = re.compile(
    r"""
    # make, ninja, Bazel, Maven, Gradle, sbt
      \w*make\S*:\ (?:\*\*\*\ (?:\[|Waiting)|Target\ .*not\ remade|(?:Entering|Leaving)\ directory)
    | ninja:\ build\ stopped
    | (?:ERROR:\ )?(?:Target\ //\S+\ failed\ to\ build|Build\ did\ NOT\ complete|Use\ --verbose_failures)
    | FAILED:\ Build\ did\ NOT
    | (?:INFO:\ )?Build\ completed,\ | Executed\ \#\ out\ of | INFO:\ Elapsed
    | (?:\[ERROR\]\ )?(?:Failed\ to\ execute\ goal\ .*(?:test\ failures|Compilation\ failure|default-compile)|->|BUILD\ FAILURE|COMPILATION\ ERROR
        |Tests\ run:|Failures:|Errors:|There\ (?:are|were)|To\ see\ the\ full|Re-run\ Maven|After\ correcting|For\ more\ information|Please\ refer)
    | \[INFO\] | >?\ ?Task\ :\S+\ FAILED | >?\ ?There\ were\ failing\ tests | \[error\]\ (?:Failed\ tests:|\(.*TestsFailedException)
    | (?:\*\ )?What\ went\ wrong | \*\ Try: | Execution\ failed\ for\ task\ ':\S*[tT]est'
    | >\ Could\ not\ resolve\ all\ (?:files|artifacts|dependencies)
    # compilers
    | \d*\#?\ ?errors?\ generated | (?:\#\ )?Error\(s\) | collect2:\ error:\ ld\ returned | clang(?:\+\+)?:\ error:\ linker\ command
    | error:\ could\ not\ compile | error:\ aborting\ due\ to | (?:For\ more|Some\ errors\ have)\b | Found\ \#\ errors?\b
    | .{0,80}\bfatal\ error\ LNK1120 | \*\*\ \w+\ FAILED\ \*\* | webpack\ .*compiled\ with | .{0,4}\#\ problems?\b
    | Build\ FAILED | error:\ build\ failed
    # npm, yarn, pip, apt
    | (?:npm\ (?:ERR!|error)\ )?(?:code\ (?:E?LIFECYCLE|\#|1)$|errno\b|A\ complete\ log|Test\ failed|Lifecycle\ script|\S*_logs/|Exit\ status
        |Failed\ at\ the|This\ is\ probably\ not|path\ |command\ (?:failed|sh))
    | error\ Command\ failed | info\ Visit | E:\ Unable\ to\ fetch\ some | E:\ Sub-process\ .*\ returned | \[notice\]
    # runners and CIs
    | Build\ step\ '.*'\ (?:marked|failed|changed)
    | The\ command\ '.*'\ (?:exited|failed)
    | .{0,40}\bUnsuccessful\ task\ run\b
    | (?:The\ process\ )?'?(?:/usr)?(?:/?[\w.]+/)*(?:git|bash|sh|node|docker|python3?|pwsh|powershell|npm|make)(?:\.exe)?'?\ (?:failed|exited)\ with\ (?:exit\ )?code
    | (?:Ba|Power|Cmd)?[Ss]h(?:ell)?\ (?:failed|exited)\ with | PowerShell\ exited | Docker\ (?:pull|build|run)\ failed\ with\ exit\ code
    | (?:ERROR:\ )?Job\ failed\b | Cleaning\ up\ project | Uploading\ artifacts | Running\ after_script
    | The\ (?:runner|hosted\ runner|agent|self-hosted\ runner)\b.*\b(?:shutdown\ signal|lost\ communication|stopped\ hearing)
    | (?:The\ operation|The\ job|Job|Build|Task)\ (?:was|has\ been)\ cancell?ed
    | Node(?:\.js)?\ ?(?:v?\d+|\#)?\ (?:actions\ are\ deprecated|is\ deprecated)|.{0,80}\bNode(?:\.js)?\ ?(?:\d+|\#)\b.{0,40}\bdeprecated
    | Killed$ | Terminated$ | signal:\ killed$ | Aborted$ | exit\ status | exited\ with | Exited\ with\ code | Process\ (?:completed|exited|finished)\ with
    | (?:error:\ )?process\ didn't\ exit\ successfully:\ exit | \[taskcluster
    # test runners
    | error:\ test(?:\ run)?\ failed | test\ result:\ FAILED | Caused\ by:$
    | (?:FAIL|ok)\ [\w./-]+\ (?:\#|[\d.]+s|\(cached\)|\[no\ test)
    | FAIL!\ -- | Ran\ (?:\#|all)\b | Summarizing\ \# | Summary\b | Failed!\ +- | FAILURES!? | Errors\ while\ running
    | \#?%?\ ?tests\ passed | (?:\#|\d+)\ (?:tests?|examples?|scenarios?|specs?|passing|failing|pending|passed|failed|errors?|failures?)\b
    | Tests?\ (?:Files|Suites?)?:?\ *(?:\#|\d+)\ failed | Test\ Suites?:|Snapshots:|Time:|Duration\b|Start\ at
    | (?:=+|!+)\ .*\ (?:=+|!+)$ | running\ (?:\#|tests) | Interrupted:
    | There\ (?:was|were)\ \#|Test\ Suite\ '.*'\ failed | Test\ Case\ '.*'\ failed
    | Tests?:\ (?:\#|\d+) | test\ cases:\ | assertions:\ | \[-+\] | Executed\ \#|.{0,60}:\ Executed\ \#
    | (?:[\w./+-]+[:(](?:\#|\d+)\)?:?\ )(?:Failure|FAILED:?)$ | \S+\ \#\ failed! | (?:[\w.]+\.)?(?:Timeout|Assertion|Runtime)?(?:Error|Exception):?$ | SystemExit\b
    | ImportError\ while\ importing\ test\ module|Hint:\ make\ sure|Traceback\b
    | To\ (?:re-?run|execute)\ | This\ message\ can\ be\ suppressed|note:\ |The\ above\ exception|During\ handling\ of
    | \u25cf\ Test\ suite\ failed|Test\ suite\ failed\ to\ run|Call\ log:|Require\ stack:|Stack\ ?trace:|Error\ Message:|Add\ a\ timeout\ value
    | panic:\ test\ timed\ out | race\ detected\ during|testing\.go:\#:\ race|warning:\ DATA\ RACE
    | (?:severity|duration_ms|type|location|failureType|operator|name|generatedMessage|diff|at):\ | stack:|code:\ 'ERR_(?:ASSERTION|TEST_FAILURE)'
    | exitcode:\ 1$ | (?:node:)?internal/\S+$ | throw\ (?:err|new)\b | triggerUncaughtException
    # Mozilla
    | (?:PROCESS-CRASH\ \|\ .*)?\[@\ mozalloc_abort\]?$ | .*\|\ application\ crashed\ \[@\ mozalloc_abort
    | TEST-UNEXPECTED-[A-Z-]+\ \|\ (?:automation\.py|Shutdown\w*|gtest|(?:Main\ app\ process|application)[^|]*|Last\ test\ finished|None|runtests\S*)\ \|
        \ (?:Exited\ with|application\ (?:timed|terminated)|.*exited\ with|.*exit\ code|test\ failed|.*timed\ out|negative\ leaks|missing\ output)
    | (?:TinderboxPrint|INFO\ -|SUITE-|Crash\ dump\ filename|Operating\ system:|Return\ code:|Crash\ reason:\ +(?:SIGSEGV|SIGABRT|EXC_|SIGTRAP|MOZ_CRASH|EXCEPTION_)|Crash\ address|Process\ uptime|Thread\ \#\ \(crashed)
    # sanitizers
    | (?:=\S+=)?\#?=*ERROR:\ LeakSanitizer:\ detected|ABORTING|.*==ABORTING|SUMMARY:\ AddressSanitizer:\ \#\ byte|(?:Direct|Indirect)\ leak\ of
    | (?:READ|WRITE|Read|Write|Previous\ (?:read|write))\ (?:of\ size|at)\b|(?:freed|previously\ allocated|allocated)\ by\ thread
    | Node\.js\ v?[\d.\#]+$ | Dumping\ heap | Session\ info: | \(Session\ info
    """,
    re.VERBOSE,
)


def is_generic(text: str) -> bool:
    """Whether any failure may show this text: all its words are generic, or it only says that a tool ended so."""
    return not words(text).specific or _ENDINGS.match(text) is not None
