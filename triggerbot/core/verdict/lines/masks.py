"""Masks of what differs between runs of one failure: numbers, addresses, ids, hosts, times, temporary paths. Pure."""

import re

#: Extensions of files whose digits belong to their name: `1059498-1.html`.
SOURCES = (
    "html?|xhtml|[cm]?jsx?|[cm]?tsx?|css|svg|xml|py|java|kts?|go|rs|cc?|cpp|cxx|hh?|hpp|hxx|mm?|swift|cs|fs|vb|rb|exs?"
    "|php|sh|ini|scala|dart|feature|sql|vue|lua|pl|zig"
)
#: Extensions of data, in whose names only long numbers vary: `case-12.json`.
_DATA = "json|ya?ml|toml|snap|golden"
#: First directories of paths that are elsewhere on another machine.
_ROOTS = (
    "home|Users|builds?|tmp|var|root|workspace|work|github|__w|private|mnt|data|app|runner|srv|go|codebuild|Volumes|opt"
    "|usr|src|jenkins|agent|code|project|repo|ci|nix"
)
_TEMPORARY = frozenset({"tmp", "temp", "Temp", "folders", "_temp"})
_MONTH = (
    "(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    "|Nov(?:ember)?|Dec(?:ember)?)"
)
_UNIT = "(?:[num\u00b5\u03bc]?s|msecs?|secs?|m|mins?|h|hrs?|d|%|[kKMGT]?i?B|[kKMG])"
#: Kubernetes ends generated names with these (its `rand.String` has neither vowels nor digits like 0, 1 and 3).
_RANDOM = "[bcdfghjklmnpqrstvwxz2456789]"
#: Machines and what runs on them: a number after one of these tells which.
_MACHINES = (
    "node|host|pod|runner|worker|agent|executor|thread|pool|replica|server|instance|vm|machine|builder|slave|rack|proxy"
    "|attempt|session|conn|client|partition|mirror|cdn|git|db|web|cache|broker|shard|lane|bot|mac|linux|win|windows"
    "|concurrent|project|relay|edge|eu|us|archive|launcher|ci|pr|run|build|job|task|channel|consumer|region|zone|az"
)
#: What has its number without a hyphen.
_COUNTED = (
    "(?:node|host|pod|runner|worker|agent|executor|[tT]hread|pool|replica|server|instance|vm|builder|slave|rack|proxy"
    "|session|client|partition|shard|eth|cpu|gpu|tty|disk|rank|slot|core|job|task|stage|attempt|retry|conn|alloc)[_]?"
)

_QUOTES = '"`\u00b4\u2018\u2019\u201a\u201b\u201c\u201d\u201e'
#: Control characters, kinds of quotes and of slashes are made alike.
PLAIN = {**dict.fromkeys(range(32), " "), 127: " ", ord("\\"): "/", **dict.fromkeys(map(ord, _QUOTES), "'")}
ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_HASH = r"(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,128}"
_UUID = r"(?<![0-9A-Za-z])[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![0-9A-Za-z])"
#: Words that are hex by chance.
_WORDS = "added|deaf|dead|deed|face|faced|fade|faded|feed|decade|facade|bf16|ed25519|d3d1[0-2]"
#: Variable parts that contain a space.
_PHRASE = re.compile(
    rf"""
      (?<=[!=]=\ )(?<!dentifier\ ==\ )(?<!label\ ==\ )'[^']{{0,80}}' | '[^']{{0,80}}'(?=\ [!=]=\ )
    | (?<=\bgot\ )'[^']{{0,80}}' | (?<=\bwant\ )'[^']{{0,80}}' | '[^']{{0,80}}'(?=,\ want\b)
    | (?<=\bexpected\ )'[^']{{0,80}}'(?=\ to\ (?:\w+\ ){{0,2}}(?:equal|be|include|contain|match)\b)
    | (?<=\bto\ equal\ )'[^']{{0,80}}' | (?<=\bto\ be\ )'[^']{{0,80}}' | (?<=\ but\ got\ )'[^']{{0,80}}'
    | (?<=expected:\ )<(?:[^<>]{{0,80}}>(?=\ but\ was)|[^<>]*(?:\.\.\.|\u2026)$) | (?<=but\ was:\ )<[^<>]{{0,80}}>
    | (?<=XCTAssertEqual\ failed:\ )\('[^']{{0,80}}'\)\ is\ not\ equal\ to\ \('[^']{{0,80}}'\)
    | \b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{{0,6}},?\ )?
      (?:\d\d?\ {_MONTH}|{_MONTH}\ \d\d?)(?!\w)(?:,?\ \d{{4}}\b)?(?:\ \d\d:\d\d:\d\d(?:\ (?:GMT|UTC
        |[A-Z]{{3,4}}T))?)?(?:\ \d{{4}}\b)?
    | \b[IWEF]\d{{3,4}}(?=\ \d\d:) | (?<=[Mm]utex\ )M\d+\b | \b(?<=thread\ )T\d+\b
    | \b\d\d?/{_MONTH}/\d{{4}}:[\d:]+(?:\ [+-]\d{{4}})?
    | \b\d\d?:\d\d(?::\d\d)?\ ?[AP]M\b
    | (?i:\b(?:(?:x-)?(?:amz-)?(?:request|host|trace|span|correlation|transaction|build|session)[ _-]?id
      |token))(?:\ is)?[:=]?\ ?
      (?=[^\s,;)]{{0,80}}\d)[^\s,;)]+
    """,
    re.VERBOSE,
)
#: What any of the masks needs.
_MAYBE = re.compile(r"[\d/@=<#]")
_MAYBE_PHRASE = re.compile(r"[\d'<]")
#: A piece of a line that may contain something variable: a cheap test, for most pieces do not.
_PIECE = re.compile(r"(?<!\S)[^\s\d/@]*+[\d/@]\S*")
_VARIABLE = re.compile(
    rf"""
      (?P<url>\b(?:https?|wss?|ftp|tcp|ssh|git|amqps?|rediss?|postgres(?:ql)?|mysql|mongodb)://)[^\s/'()\[\],;|<>]+
    | (?<![\w./@-])(?!\S*\.(?:{SOURCES}):)[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)+\.[a-z]{{2,6}}(?=:\d{{2,5}}\b)
    | \b[\w.+-]{{1,64}}@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{{2,}}\b
    | (?P<path>(?:file://)?(?<![\w.#])(?:[A-Za-z]:/+|/(?:{_ROOTS})/)[^\s'():;,|<>\[\]{{}}]*)
    | {_UUID}
    | \b\d{{4}}[-/]\d\d[-/]\d\d(?:[T_][\d:_.,+-]*(?:Z|UTC)?)?(?!\w) | \b\d\d/\d\d/\d\d(?:\d\d)?(?![\w/])
    | (?<=[\w/])\?[^\s'=]{{0,80}}=[^\s',;:)]* | (?<=\d-)(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{{6}}(?![\w-])
    | (?<=/)\$[A-Za-z0-9~+]{{1,3}}(?=\#|\]) | \btmp(?:[a-z0-9_]{{8}}|\.[A-Za-z0-9]{{6,12}})\b
    | (?<=\bstore/)(?=[a-z]*\d)[0-9a-z]{{12,40}}(?=-) | \bgw\d+\b | (?<=@)(?=\d*[a-f])[0-9a-f]{{5,8}}\b
    | (?<![\w:])(?=[0-9a-fA-F:]*:[0-9a-fA-F:]*:)(?=[0-9a-fA-F:]*\d)
      (?:[0-9a-fA-F]{{0,4}}:){{2,7}}[0-9a-fA-F]{{0,4}}(?![\w:])
    | (?<![0-9A-Za-z])(?:0[xX][0-9a-fA-F]+|{_HASH}|(?=[A-F]*\d)(?=\d*[A-F])[0-9A-F]{{7,128}}
        |(?=(?:[a-z]*\d){{4}})(?=\d*[a-z])[0-9a-z]{{20,64}}
          |(?=(?:[A-Z]*\d){{4}})(?=\d*[A-Z])[0-9A-Z]{{16,64}})(?![0-9A-Za-z])
    | (?P<source>(?<![\w.+@/#-])[\w.+@/-]*?\.(?:{SOURCES}|{_DATA})(?!\w))
    | (?<![\w.-])(?!(?:{_WORDS})\b)(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{{4,6}}(?![\w.-])
    | (?<!\w)(?P<numbered>[A-Za-z]\w{{0,30}}?)_(?=\w*\d)[A-Za-z0-9]*(?=\d)\d+(?:_[a-z]?\d{{1,20}}
      |_[a-z])+(?!\w)
    | (?<=[a-z0-9])-(?=[a-z]*\d)(?=\d*[a-z])(?!\d+[a-z]+\b)
        (?:{_RANDOM}{{8,10}}-{_RANDOM}{{5}}|{_RANDOM}{{5,6}}|[0-9a-f]{{8}}-[a-z0-9]{{4}})(?![\w-])
    | (?<=-)(?={_RANDOM}{{0,4}}[a-z]){_RANDOM}{{5}}(?=[')_\s])(?<=[bcdfghjklmnpqrstvwxz2456789])
    | (?<=\brunner-)(?=[a-z]*\d)[a-z0-9_]{{6,12}}(?=-)
    | (?P<machine>\b(?:[A-Za-z0-9]+-){{0,4}}(?:ip(?:-\d+){{3}}|(?:{_MACHINES})-))\d+\b(?:-\d+\b)*
    | \b[RNMJUC]\d\d(?:-[A-Z]+\d*(?::[A-Z]\d+(?:-[A-Z]\d+)?)?)+(?!\w)
    | \bv\d+(?:\.\d+)+(?:-[\w.]+)? | \b\d+(?:st|nd|rd|th)\b | (?<=-)g[0-9a-f]{{7,12}}\b
    | \b(?P<counted>{_COUNTED})\d+\b
    | (?<![\w.$?@-])(?!_Z|_R|\$s
      |[Tt]est)(?=(?:[^\W\d]*\d){{3}})(?=[^a-z\s]*[a-z])(?=[^A-Z\s]*[A-Z])[A-Za-z0-9_-]{{18,128}}(?![\w.-])
    | \b\d+(?:[.,:]\d+)*(?:e[+-]?\d+)?(?:{_UNIT}(?:\d+(?:\.\d+)?{_UNIT}){{0,3}})?(?!\w)
    | (?<=_)\d{{3,}}(?![A-Za-z_]) | (?<=[A-Za-z_])\d{{9,}} | (?<=_)-\d{{9,}}
      | (?<=[a-z]_)(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{{6,12}}\b
    """,
    re.VERBOSE,
)
#: Hex without a digit.
_LETTERS = re.compile(rf"(?<![\w.-])(?!(?:{_WORDS})\b)[a-f]{{4,40}}\b(?![.-]\w)")
_HASH_IN_NAME = re.compile(rf"(?<![0-9A-Za-z]){_HASH}(?![0-9A-Za-z])")
_NUMBERED = re.compile(r"(?<![A-Za-z0-9])(?=[A-Za-z]*\d)[A-Za-z0-9]+")
_LONG_IN_DATA = re.compile(rf"\d{{4,}}(?=.*\.(?:{_DATA})$)")
_DIGITS = re.compile(r"\d+")
_MASKS = re.compile(r"#(?:[ :.,/x+-]*(?:#|\b(?:UTC|GMT|CES?T|[PEMC][SD]T|[AP]M)\b))+")
_SOURCE = re.compile(rf"\.(?:{SOURCES})$")
#: What varies in the id of a test: its parameters stay.
_IN_TEST = re.compile(
    rf"(?P<path>(?:file://)?(?<![\w.])(?:[A-Za-z]:/+|/(?:{_ROOTS})/)[^\s'():;,|<>\[\]{{}}]*)"
    rf"|{_UUID}|0[xX][0-9a-fA-F]{{5,}}|(?<![0-9A-Za-z]){_HASH}(?![0-9A-Za-z])|(?<=\(AVD\) - )\d+|(?<= \(line )\d+(?=\))"
    rf"|(?<=\.[jt]s):\d+(?::\d+)?|(?<=\.[jt]sx):\d+(?::\d+)?|(?<=\.exs):\d+|(?<=\.rb):\d+|(?<=\.py):\d+"
)


def masked(text: str) -> str:
    """Mask everything that varies; of a local path only the end remains."""
    if _MAYBE_PHRASE.search(text):
        text = _PHRASE.sub("#", text)
    if not _MAYBE.search(text):
        return _LETTERS.sub("#", text)
    return _MASKS.sub("#", _LETTERS.sub("#", _PIECE.sub(_of_piece, text)))


def masked_id(text: str) -> str:
    """Mask what varies in the id of a test."""
    return _IN_TEST.sub(_in_test, text)


def _in_test(found: re.Match[str]) -> str:
    match found.lastgroup:
        case "path":
            return _end(found[0])
        case _:
            return "" if found[0].startswith(":") else "#"


def _of_piece(piece: re.Match[str]) -> str:
    return _VARIABLE.sub(_of_part, piece[0])


def _of_part(found: re.Match[str]) -> str:
    match found.lastgroup:
        case "url":
            return f"{found['url']}#"
        case "path":
            return _end(found[0])
        case "numbered":
            return f"{found['numbered']}_#"
        case "counted":
            return f"{found['counted']}#"
        case "machine":
            return f"{_NUMBERED.sub('#', found['machine'])}#"
        case "source":
            # A bundler's output has a hash in its name, and numbers that change with it.
            name, hashes = _HASH_IN_NAME.subn("#", _end(found[0]))
            return _DIGITS.sub("#", name) if hashes else _LONG_IN_DATA.sub("#", name)
        case _:
            return "#"


def _end(path: str) -> str:
    parts = [part for part in path.split("/") if part not in ("", ".", "..")]
    below = next((number for number, part in enumerate(reversed(parts)) if part in _TEMPORARY), None)
    if below is None:
        return "/".join(parts[-2:]) or "#"
    # Of a temporary directory only the sources are the same elsewhere.
    return "#" if below < 2 or not _SOURCE.search(path) else "/".join(parts[-2:] if below > 3 else parts[-1:])
