"""Every diagnostic code, with a title and an explanation. Append only: a code never changes its meaning.

P0xx  syntax: the text is not a program
P1xx  names and the graph
P2xx  plugins and their options
P3xx  types
P4xx  warnings
P5xx  tests
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """`code` is stable; `title` is one line; `explanation` says why it is so and what to do."""

    code: str
    title: str
    explanation: str


_SYNTAX = (
    Code("P001", "character that means nothing", "Names, numbers, texts and the operators of the language are all there is outside of texts and comments."),
    Code("P002", "text that is not closed", "A text in ' or \" and a name in ` end on the line they begin on. Write \\n in a \"text\" for a line break."),
    Code("P003", "operator of another language", "`and`, `or`, `not`, `==`, `!=` and `if … then … else …` are written as here. The program was read as if it said so."),
    Code("P004", "number, duration or size that cannot be read", "Durations end in ms, s, m, h or d, sizes in B, KB, MB, GB, KiB, MiB or GiB. Integers have 64 bits."),
    Code("P005", "text with a wrong escape or hole", "In \"texts\", `{field}` is a hole, `{{` and `}}` are braces, and \\\" \\\\ \\n \\t are the escapes. 'Raw texts' have none of these."),
    Code("P006", "regex that cannot be read", "A regex stands between slashes on one line, `\\/` is a slash, and the flags are i, m and s."),
    Code("P007", "comment of another language", "Comments start with `#` and end with the line."),
    Code("P010", "bracket that is not closed", "Every `(`, `[` and `{` needs its closing partner before the next statement starts."),
    Code("P011", "bracket that closes nothing", "A closing bracket has no partner before it, or closes a bracket of another kind."),
    Code("P012", "nested too deeply", "Brackets and operators may be nested 128 deep. Split the expression with `let` or `set`."),
    Code("P013", "statement too long", "One statement has at most 50,000 words. Long lists belong into a file that `lookup` reads."),
    Code("P020", "unknown statement", "A statement starts with source, transform, sink, let, pattern, include or test."),
    Code("P021", "statement in the wrong shape", "Each statement has one shape, such as `transform NAME = UPSTREAM | filter(…) | filter(…)`."),
    Code("P022", "statement of a later version", "The word is reserved for a statement that this version cannot run."),
    Code("P030", "`=`, `==` and `:` mixed up", "`=` defines, `==` compares, `:` configures: `let n = 1`, `where(n == 1)`, `window(10s, lateness: 5s)`."),
    Code("P031", "something is expected here", "The program stops making sense at this place."),
    Code("P032", "something is missing between two things", "Arguments are separated by `,`, filters by `|`, and a sink's output follows `->`."),
    Code("P033", "several names without brackets", "Several keys or upstreams are a list: `by [a, b]`, `transform all = [a, b] | …`."),
    Code("P034", "expression in the wrong shape", "`if` always has `then` and `else`, comparisons do not chain, and `if` and `not` inside an operation need parentheses."),
    Code("P035", "plain text expected", "Paths of `include` and patterns are read before there are events, so they have no holes and no escapes."),
    Code("P036", "too many errors", "Reading stops after 50 syntax errors."),
    Code("P040", "included file cannot be read", "Includes are relative to the file that names them. A glob may match nothing, a plain name may not."),
    Code("P041", "files include each other in a circle", "A file cannot be part of itself."),
    Code("P042", "program without statements", "A program needs at least a source and a sink."),
)  # fmt: skip

_PLAN = (
    Code("P101", "name that nothing defines", "Upstreams are names of sources and transforms of this program and its includes."),
    Code("P102", "name defined twice", "Sources, transforms and sinks share their names; constants, patterns and the entries of a block have theirs."),
    Code("P103", "port that is not there", "Every stage has `.rejected`; a transform that ends in a `route` has a port per entry and `.else`, and no main output."),
    Code("P104", "circle", "Events flow from sources to sinks, and constants are computed once: nothing can need itself."),
    Code("P105", "no sink", "Without a sink nothing would be read: sources are read as fast as sinks take."),
    Code("P106", "window after a window", "Rows of closed windows cannot be windowed again in this version."),
    Code("P107", "route in the wrong place", "`route` splits the stream, so it is the last filter of a transform."),
    Code("P109", "environment variable that is not set, or no text", "`env` is read when the program is loaded; a second argument is its default."),
    Code("P110", "setting that does not fit", "`--set NAME=VALUE` replaces a `let` of the program by a value of the same type."),
    Code("P111", "upstream that cannot be read", "Nothing comes out of a sink but `.rejected`."),
    Code("P112", "two sinks write one file", "Each sink commits the length of its file; two of them would cut each other's rows."),
    Code("P113", "sink into its own source", "A log that a sink of the same program writes would feed itself for ever."),
    Code("P201", "unknown plugin", "Inputs follow `source NAME =`, filters follow `|`, outputs follow `->`. `pipe plugins` lists what is installed."),
    Code("P202", "plugin that cannot be used", "A package that it needs is missing, it is written for another version of the API, or two distributions define its name."),
    Code("P203", "unknown option", "`pipe plugins NAME` lists a plugin's options."),
    Code("P204", "option that is missing", "Options without a default must be given."),
    Code("P205", "too many arguments", "Arguments without a name fill the options in order."),
    Code("P206", "option of the wrong type", "Options are checked before anything runs. Durations have a unit, texts have quotes, fields have none."),
    Code("P207", "option that the plugin refuses", "The value has the right type, but is out of its limits or does not fit the other options or the columns."),
    Code("P208", "option given twice", "Each option has one value; arguments without a name count too."),
    Code("P209", "block missing or not wanted", "Some filters take a block of definitions `{ name = expression }`, others none."),
    Code("P210", "`by` not wanted", "`by` groups: it belongs to windows and their metrics."),
    Code("P211", "path that the data could decide", "A path begins with fixed text and stays below it, so that no event can name a place of its own."),
    Code("P212", "entry that does not belong in this block", "A `set` computes values, a `rename` names fields, a `route` names conditions, a window names aggregates."),
    Code("P213", "not an aggregate", "A metric of a window is one aggregate of values of events. Compute with metrics in a `set` after the window."),
    Code("P214", "aggregate in place of a filter", "Only in `pipe query` an aggregate may be the last stage: it is a window over the whole input."),
    Code("P301", "unknown field", "Fields are known at every point of a program. After `json` without `into` every name is a field."),
    Code("P302", "types that do not fit", "Operators take types that make sense together; nothing is converted silently but int to float."),
    Code("P303", "unknown function", "`pipe plugins` lists all functions."),
    Code("P304", "wrong arguments of a function", "Arguments fill the parameters in order, or by name."),
    Code("P305", "argument of the wrong type", "The function does not take values of this type."),
    Code("P306", "constant expected", "This value must be known when the program is loaded, so it cannot read fields, and it cannot be null."),
    Code("P307", "constant and field of one name", "A name in an expression must mean one thing."),
    Code("P308", "field of two types", "A member of a JSON record gets its type from its use; two uses demand different types."),
    Code("P309", "upstreams that do not fit", "Upstreams are joined by the names of their columns; a column has one type."),
    Code("P310", "`!` on a function that cannot fail", "`!` rejects the events for which a conversion fails."),
    Code("P311", "metadata that cannot be set", "Metadata says where an event came from and is true for ever; only `@timestamp` can be set."),
    Code("P312", "regex that the engine cannot run", "Regexes run in linear time on columns: there is no look-around and there are no back-references."),
    Code("P313", "form in the wrong place", "Regexes, ranges and maps are not values: they stand right of `matches`, right of `in`, and in options."),
    Code("P314", "integer that does not fit", "Integers have 64 bits."),
    Code("P315", "metadata that is not there", "`@error` is there on rejected rows only; other names with `@` are fixed."),
    Code("P401", "stage that nothing reads", "Its events are computed for nobody."),
    Code("P402", "port that nothing reads", "Events of this port are counted as filtered and go nowhere."),
    Code("P403", "advice of a plugin", "The program works, but perhaps not as well as it could."),
    Code("P404", "secret in the program", "Programs are kept in repositories, and shown. `secret('file:PATH')`, `secret('env:NAME')` and `secret('credential:NAME')` say where a secret is kept; it is read when it is used, and never shown."),
    Code("P501", "name in a test that the program does not have", "`given` names a source, `fail` a sink, and `expect` any node, perhaps with a port."),
    Code("P502", "test that expects nothing", "A test fails where an expectation does: one without any could not fail."),
    Code("P503", "two tests of one name", "The name says what a test is about, in reports and for `--filter`."),
    Code("P504", "time that cannot be", "A clock time is one of the day that the test has come to; time never goes back."),
    Code("P505", "record that cannot be given", "A source is given texts, a record a line, or maps of fields; a resolver is given maps with a `key`."),
    Code("P506", "event that cannot be expected", "An expected event is a map of some of its fields, or a text for its `@raw`."),
    Code("P507", "expectation that is not met", "`pipe test` ran the test, and what came out of the node is something else."),
    Code("P508", "test that could not go on", "The engine or a plugin failed, or a file that the test names cannot be read."),
)  # fmt: skip

CODES: dict[str, Code] = {code.code: code for code in (*_SYNTAX, *_PLAN)}
