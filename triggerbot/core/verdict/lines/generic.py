"""Lines that any failure may show: by their words, or because they only say that a tool or the CI ended so. Pure."""

import re
from functools import lru_cache

from triggerbot.core.verdict.lines.words import words

#: Shapes in a cache.
_CACHED = 4096
#: What stands before such a line and says no more than that it is an error.
_BEFORE = re.compile(
    r"(?:(?:Error|ERROR|error|FATAL|Fatal|fatal|hudson\.\w+):\ |\[(?:ERROR|error|FATAL)\]\ |npm\ (?:ERR!|error|err)\ |"
    r"lerna\ ERR!\ |>\ |\*\ |-+\ |\ud83d\udeab\ |\u2716\ |\u274c\ )*",
    re.VERBOSE,
)
_BUILDS = r"""
      \w*make\S*:\ (?:\*\*\*\ (?:\[|Waiting)|Target\ .*not\ remade|(?:Entering|Leaving)\ directory) | (?:Entering
        |Leaving)\ directory
    | ninja:\ build\ stopped | Target\ //\S+\ failed\ to\ build | Build\ did\ NOT\ complete | FAILED:\ Build\ did\ NOT
    | Use\ --verbose_failures | (?:INFO:\ )?Build\ completed,\ | Executed\ \# | INFO:\ Elapsed
      | There\ were\ tests\ whose
    | Failed\ to\ execute\ goal\ .*(?:test\ failures|Compilation\ failure|default-compile|default-test
      |timeout\ or\ other\ error)
    | -> | BUILD\ FAIL | COMPILATION\ ERROR | Tests\ run: | Failures:\ *$ | Errors:\ *$ | To\ see\ the\ full
      | Re-run\ Maven | After\ correcting
    | For\ more\ information | Please\ refer | \[Help\ | mvn\ <args> | There\ (?:are|were|was)\ | The\ forked\ VM
      | \[INFO\] | Process\ 'Gradle\ Test
    | Task\ :\S+\ FAILED | Failed\ tests:$ | \(.*TestsFailedException | What\ went\ wrong | Try:$ | Get\ more\ help
      | Run\ with\ -
    | Execution\ failed\ for\ task\ ':\S*[tT]est | Could\ not\ resolve\ all\ (?:files|artifacts|dependencies)
      | \*\*\ \w+\ FAILED\ \*\*
    | (?:\#\ )?errors?(?:\ and\ \#\ warnings?)?\ generated | (?:\#\ )?Error\(s\) | collect2:\ error:\ ld\ returned
    | clang(?:\+\+)?:\ error:\ linker\ command | linker\ command\ failed | could\ not\ compile | aborting\ due\ to
      | Some\ errors\ have | warning:\ build\ failed
    | Found\ \#\ errors?\b | .{0,80}\bfatal\ error\ LNK1120 | .{0,120}\bMSB3073 | webpack\ .*compiled\ with
      | problems?\b | \#\ problems? | Build\ [Ff](?:AILED|ailed)
    | build\ failed | (?:\#\ )?targets?\ failed: | '-p\ \S+\ -
"""
_PACKAGES = r"""
      code\ (?:E?LIFECYCLE|\#|1)$ | errno\b | A\ complete\ log | Lifecycle\ script | \S*_logs/ | Exit\ status
        | Failed\ at\ the
    | This\ is\ probably\ not | path\ \S+$ | command\ (?:failed|sh\ -c) | in\ workspace: | at\ location:
      | (?:\S+@)?\#\ \w+:\ ' | [Cc]ommand\ failed(?:\.|$|\ with)
    | subprocess-exited-with-error | metadata-generation-failed | legacy-install-failure
      | python\ setup\.py\ .*did\ not\ run\ successfully | exit\ code:\ \d+$
    | info\ Visit | E:\ Unable\ to\ fetch\ some | E:\ Sub-process\ .*\ returned | \[notice\] | ERR_PNPM_\w*RUN
      | ELIFECYCLE | npm\ run\ \S+\ (?:exited|stderr)
    | py\d+:\ | evaluation\ failed | (?:nx|NX)\b | \S*turbo\b.{0,60}\bfailed | lerna\b
"""
_RUNNERS = r"""
      Build\ step\ '.*'\ (?:marked|failed|changed) | The\ command\ '.*'\ (?:exited|failed)
        | .{0,40}\bUnsuccessful\ task\ run\b
    | (?:The\ process\ )?'?/?(?:[\w.-]+/)*(?:git|bash|sh|zsh|node|docker|python\d?|pwsh|powershell|npm|npx|yarn|pnpm
      |make|cargo|go|dotnet|java|mvn|gradle|gradlew|pip|pytest|tar|cmake)
        (?:\.exe|\.cmd)?'?\ (?:failed|exited)\ with\ (?:exit\ )?code
    | \w+(?:\.exe)?\ (?:run\ )?(?:failed|exited)\ with\ (?:exit\ )?code | error\ during\ \S+:\ exit\ status
      | '?[\w:.\#-]+'?\ exited\ with\ (?:(?:exit\ )?(?:code|status)\ )?[12]\.?$
    | Docker\ (?:pull|build|run)\ failed | Job\ failed\b | Cleaning\ up\ | Uploading\ artifacts
      | Running\ after_script | script_failure | No\ files\ were\ found
    | (?:The\ )?(?:runner|hosted\ runner|agent|self-hosted\ runner)\b.*\b(?:shutdown\ signal|lost\ communication
      |stopped\ hearing) | Lost\ communication\ with
    | (?:The\ operation|The\ job|Job|Build|Task|Your\ build)\ (?:was|has\ been)\ (?:cancell?ed|stopped|aborted)
      | Received\ '\w+'\ signal | Sending\ interrupt
    | Cancelling\ nested | Timeout\ has\ been | Finished:\ | script\ returned | \[Pipeline\]
      | .{0,120}\bexceeded\ the\ maximum\ execution\ time
    | .{0,80}\bNode(?:\.js)?\ ?(?:v?\d+|\#)?\ .{0,40}\bdeprecated | Too\ long\ with\ no\ output | Post\ job
      | Complete\ job | Terminate\ orphan
    | (?:Recipe|Target|Task|Script|Session|Step|Stage|Hook|Project|Package|Workspace|Goal)s?\b.{0,80}\b(?:failed
      |exited|returned|finished)\b.{0,30}\b(?:code|status)\b
    | (?:Segmentation\ fault|Aborted|Bus\ error|Illegal\ instruction|Floating\ point\ exception
      |Trace/breakpoint\ trap|Killed|Terminated|Hangup)
        (?:\ \(core\ dumped\))?:?(?:\ \#)?$ | signal:\ (?:killed|terminated|interrupt|aborted)$ | exit\ (?:status
          |code)\b | [Ee]xited\ with | Aborting\ on
    | Process\ (?:completed|exited|finished)\ with | process\ didn't\ exit\ successfully:\ exit | \[taskcluster
      | failed\ to\ push\ some
    | Jest\ did\ not\ exit | The\ (?:action|job|operation|step)(?:\ '.*')?\ (?:has\ )?timed\ out\b
    | (?:subprocess\.)?CalledProcessError:\ Command\ '?\[?'?(?:pytest|make|npm|yarn|bash|sh|python\d?|tox|nox)
        '?\]?'?\ returned
    | subprocess\.CalledProcessError:\ Command\ returned | Uncaught\ exception$ | (?:[\w.]+\.)?(?:KeyboardInterrupt
      |SystemExit|AbortException)\b
    | (?:[\w.]+\.)?(?:Timeout|Assertion|Runtime)?(?:Error|Exception):?$
"""
_TESTS = r"""
      test(?:\ run)?\ failed(?:[,.]|$) | doctest\ failed | test\ result:\ FAILED | Caused\ by:$ | (?:FAIL
        |ok)\ [\w./-]+\ (?:\#
        |[\d.]+s|\(cached\)|\[no\ test|\[build\ failed|\[setup\ failed)
    | FAIL!\ -- | (?:\u2022\ )?(?:\[?Failure\]?|\[FAILED\])\ \[ | Ran\ (?:\#|all\b) | Summarizing\ \# | Summary\b
      | Failed!\ +- | FAILURES!? | Errors\ while\ running | short\ test\ summary | Failed\ (?:examples|scenarios):
      | Randomized\ with | Finished\ in | (?:examples|tests|specs),\ \# | CUDA\ kernel\ errors\ might
      | For\ debugging\ consider | Bail\ out
    | \#?%?\ ?tests\ passed | (?:\#|\d+)\ (?:tests?|examples?|scenarios?|specs?|passing|failing|pending|passed
      |failed|errors?|failures?)\b | (?:failed|errors?|passed),\ \#
    | [Tt]ests?\ [Ff]ailed\b(?!:\ [A-Za-z]) | Tests?\ (?:Files|Suites?)?:?\ *(?:\#|\d+)\ failed | Test\ Suites?:
      |Snapshots:|Time:
      |Duration\b|Start\ at | The\ following\ tests\ FAILED:$
    | \[\ ?FAILED\ ?\]\ \#\ tests? | (?:=+|!+|-+)\ .*\ (?:=+|!+|-+)$ | running\ (?:\#|tests) | Interrupted:
      | Test\ Suite\ '.*'\ failed | Test\ Case\ '.*'\ failed
    | Tests?:\ (?:\#|\d+) | test\ cases:\ | assertions:\ | \[-+\] | .{0,60}:\ Executed\ \# | (?:[\w./+-]+[:(](?:\#
      |\d+)\)?:?\ )(?:Failure|FAILED:?)$
    | \S+\ \#\ \#/\#\ failed! | \S+\ \#\ failed! | ImportError\ while\ importing\ test\ module|Hint:\ make\ sure
      |Traceback\b|No\ tests\ run
    | To\ (?:re-?run|execute)\ | This\ message\ can\ be\ suppressed|note:\ |The\ above\ exception
      |During\ handling\ of | Expected\ (?:success,|<\w+>:)
    | (?:\u25cf\ )?Test\ suite\ failed\ to\ run|Call\ log:|Require\ stack:|Stack\ ?trace:|Error\ Message:
      |Add\ a\ timeout\ value|Failing\ (?:scenarios|input)
    | panic:\ test\ timed\ out | race\ detected\ during|testing\.go:\#:\ race|WARNING:\ DATA\ RACE
    | (?:severity|duration_ms|type|location|failureType|operator|name|generatedMessage|diff|at):\ | stack:
      |code:\ 'ERR_(?:ASSERTION|TEST_FAILURE)'
    | exitcode:\ 1$ | (?:node:)?internal/\S+$ | throw\ (?:err|new)\b | triggerUncaughtException
      | Node\.js\ v?[\d.\#]+$ | Dumping\ heap | \(?Session\ info
"""
_MOZILLA = r"""
      (?:PROCESS-CRASH\ \|\ .*)?\[@\ mozalloc_abort\b | .*\|\ application\ crashed\ \[@\ mozalloc_abort
    | TEST-UNEXPECTED-[A-Z-]+\ \|\ (?:automation\.py|Shutdown\w*|gtest|leakcheck|(?:Main\ app\ process
      |application)[^|]*|Last\ test\ finished|None|runtests\S*)\ \|
        \ (?:Exited\ with|application\ (?:timed|terminated)|.*exited\ with|.*exit\ code|test\ failed|.*timed\ out
          |negative\ leaks|missing\ output)
    | TinderboxPrint|INFO\ -|SUITE-|Crash\ dump\ filename|Operating\ system:|Return\ code:|Crash\ address
      |Process\ uptime|Thread\ \#\ \(crashed
    | Crash\ reason:\ +(?:SIGSEGV|SIGABRT|EXC_|SIGTRAP|MOZ_CRASH|EXCEPTION_)
      | Automation\ Error:\ Received\ unexpected
"""
_SANITIZERS = r"""
      =*(?:\d+|\#)?=*ERROR:\ LeakSanitizer:\ detected\ memory\ leaks$|=*(?:\d+|\#)?=*ABORTING
    | SUMMARY:\ (?:AddressSanitizer:\ \#\ byte|libFuzzer:)
        |(?:Direct|Indirect)\ leak\ of
    | (?:READ|WRITE|Read|Write|Previous\ (?:read|write))\ (?:of\ size|at)\b|(?:freed|previously\ allocated
      |allocated)\ by\ thread
"""
_ENDINGS = re.compile(f"{_BUILDS}|{_PACKAGES}|{_RUNNERS}|{_TESTS}|{_MOZILLA}|{_SANITIZERS}", re.VERBOSE)


@lru_cache(_CACHED)
def is_generic(text: str) -> bool:
    """Whether any failure may show this shape: all its words are generic, or it only says that a tool ended so."""
    if not words(text).specific or _ENDINGS.match(text):
        return True
    before = _BEFORE.match(text)
    return before is not None and before.end() > 0 and _ENDINGS.match(text, before.end()) is not None
