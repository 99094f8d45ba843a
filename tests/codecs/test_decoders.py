"""What each codec reads: lines as the formats' own documentation describes them, and what is none."""

from datetime import UTC, datetime

import polars as pl
import pytest
from codec_made import made

from pipeline import api


def at(*parts):
    return datetime(*parts, tzinfo=UTC)


def test_lines_are_messages(decoded):
    assert decoded("lines", "a b", "") == ([{"message": "a b"}, {"message": ""}], [None, None])


def test_logfmt_members_have_the_demanded_types(decoded):
    line = r'level=info msg="it \"works\"\n" status=200 took=1.5s path=/a?b=c retry empty='
    rows, reasons = decoded("logfmt", line, demand={("status",): api.INT, ("took",): api.DURATION})
    assert rows[0]["status"] == 200
    assert rows[0]["took"].total_seconds() == 1.5
    assert rows[0]["@rest"] == r'{"level":"info","msg":"it \"works\"\n","path":"/a?b=c","retry":"true","empty":""}'
    assert reasons == [None]


@pytest.mark.parametrize("text", ["", "hello world", 'a="open', '="x"', 'a="b"c', 'a"=1'])
def test_what_is_no_logfmt_is_refused(decoded, text):
    assert decoded("logfmt", "a=1", text)[1] == [None, "not_logfmt"]


def test_syslog_of_rfc_5424_with_structured_data(decoded):
    """The fifth example of the RFC's section 6.5."""
    line = (
        "<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 "
        '[exampleSDID@32473 iut="3" eventSource="Appl\\]ication"][examplePriority@32473 class="high"] \ufeffAn event'
    )
    rows, _ = decoded("syslog", line, demand={("structured_data", "exampleSDID@32473", "iut"): api.INT})
    assert rows == [
        {
            "facility": "local4",
            "severity": "notice",
            "version": 1,
            "timestamp": at(2003, 10, 11, 22, 14, 15, 3000),
            "hostname": "mymachine.example.com",
            "appname": "evntslog",
            "msgid": "ID47",
            "message": "An event",
            "structured_data": {
                "exampleSDID@32473": {"iut": 3, "@rest": '{"eventSource":"Appl]ication"}'},
                "@rest": '{"examplePriority@32473":{"class":"high"}}',
            },
        }
    ]


def test_syslog_of_rfc_3164(decoded):
    """The first example of the RFC's section 5.4; a line without tag; one as rsyslog writes files."""
    rows, reasons = decoded(
        "syslog",
        "<34>Oct 11 22:14:15 mymachine su[230]: 'su root' failed for lonvick on /dev/pts/8",
        "Jan  5 01:02:03 router last message repeated 2 times",
        "2026-01-31T10:00:00.5+02:00 web1 sshd[7]: closed",
    )
    assert reasons == [None] * 3
    assert rows == [
        {
            "facility": "auth",
            "severity": "crit",
            "timestamp": at(2025, 10, 11, 22, 14, 15),
            "hostname": "mymachine",
            "appname": "su",
            "procid": "230",
            "message": "'su root' failed for lonvick on /dev/pts/8",
        },
        {"timestamp": at(2026, 1, 5, 1, 2, 3), "hostname": "router", "message": "last message repeated 2 times"},
        {
            "timestamp": at(2026, 1, 31, 8, 0, 0, 500_000),
            "hostname": "web1",
            "appname": "sshd",
            "procid": "7",
            "message": "closed",
        },
    ]


@pytest.mark.parametrize(
    ("stamp", "year"),
    [("Jan 31 13:00:00", 2026), ("Feb  1 11:59:59", 2026), ("Feb  1 12:00:01", 2025), ("Feb 29 00:00:00", 2024)],
)
def test_the_year_of_a_stamp_is_the_latest_that_is_not_a_day_ahead(decoded, stamp, year):
    """Read at noon of 31 January 2026."""
    assert decoded("syslog", f"{stamp} h a: b")[0][0]["timestamp"].year == year


def test_a_stamp_of_the_new_year_read_in_the_old_one_is_ahead():
    """A device whose clock is some seconds ahead of ours."""
    received = pl.Series([at(2025, 12, 31, 23, 59, 59)], dtype=pl.Datetime("us", "UTC"))
    found = made("syslog").decode(pl.Series(["Jan  1 00:00:02 h a: b"]), received)
    assert found.columns["timestamp"].to_list() == [at(2026, 1, 1, 0, 0, 2)]


@pytest.mark.parametrize("text", ["", "hello", "<34>1 x", "<34> Oct 11 22:14:15 h", "Oct 11 h a: b"])
def test_what_is_no_syslog_is_refused(decoded, text):
    assert decoded("syslog", text) == ([{}], ["not_syslog"])


def test_cri_lines_say_whether_they_are_parts(decoded):
    """As Kubernetes' design of the CRI log format has them."""
    rows, reasons = decoded(
        "cri",
        "2016-10-06T00:17:09.669794202Z stdout F The content",
        "2016-10-06T00:17:10+02:00 stderr P part",
        "2016-10-06T00:17:09Z stdout F ",
        "2016-10-06T00:17:09Z stdlog F x",
    )
    assert rows[:3] == [
        {"time": at(2016, 10, 6, 0, 17, 9, 669_794), "stream": "stdout", "partial": False, "message": "The content"},
        {"time": at(2016, 10, 5, 22, 17, 10), "stream": "stderr", "partial": True, "message": "part"},
        {"time": at(2016, 10, 6, 0, 17, 9), "stream": "stdout", "partial": False, "message": ""},
    ]
    assert reasons == [None, None, None, "not_cri"]


def test_docker_lines_lose_their_end(decoded):
    rows, reasons = decoded(
        "docker",
        r'{"log":"hi \u00e9\n","stream":"stdout","attrs":{"a":"1"},"time":"2019-01-01T11:11:11.111111111Z"}',
        r'{"log":"part","stream":"stderr","time":"2019-01-01T11:11:11Z"}',
        "{}",
        "[]",
    )
    assert rows[:2] == [
        {
            "time": at(2019, 1, 1, 11, 11, 11, 111_111),
            "stream": "stdout",
            "partial": False,
            "message": "hi é",
            "attrs": '{"a":"1"}',
        },
        {"time": at(2019, 1, 1, 11, 11, 11), "stream": "stderr", "partial": True, "message": "part"},
    ]
    assert reasons == [None, None, "not_docker", "not_json"]


def test_gelf_keeps_additional_fields(decoded):
    """The example of Graylog's documentation."""
    line = (
        '{"version":"1.1","host":"example.org","short_message":"A short message","full_message":"Backtrace",'
        '"timestamp":1385053862.3072,"level":1,"_user_id":9001,"_some_info":"foo"}'
    )
    rows, reasons = decoded("gelf", line, "{}", "x", demand={("_user_id",): api.INT})
    assert rows[0] == {
        "version": "1.1",
        "host": "example.org",
        "short_message": "A short message",
        "full_message": "Backtrace",
        "timestamp": at(2013, 11, 21, 17, 11, 2, 307_200),
        "level": 1,
        "_user_id": 9001,
        "@rest": '{"_some_info":"foo"}',
    }
    assert reasons == [None, "not_gelf", "not_json"]


def test_nginx_logs_have_times(decoded):
    access = '198.51.100.7 - - [31/Jan/2026:12:00:00 +0100] "GET /a HTTP/1.1" 200 12 "-" "curl"'
    assert decoded("nginx", access, "x") == (
        [
            {
                "remote_addr": "198.51.100.7",
                "time_local": at(2026, 1, 31, 11),
                "method": "GET",
                "path": "/a",
                "http_version": "1.1",
                "status": 200,
                "body_bytes_sent": 12,
                "user_agent": "curl",
            },
            {},
        ],
        [None, "not_nginx"],
    )
    error = "2026/01/31 12:00:00 [error] 12#13: *7 open() failed"
    assert decoded("nginx", error, format="error", zone="Europe/Paris")[0] == [
        {
            "time": at(2026, 1, 31, 11),
            "level": "error",
            "pid": 12,
            "tid": 13,
            "connection": 7,
            "message": "open() failed",
        }
    ]


def test_apache_logs_have_times_numbers_and_no_quotes(decoded):
    """The examples of Apache's documentation."""
    access = (
        '127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326 '
        '"http://www.example.com/start.html" "Mozilla/4.08 [en] (Win98; I ;Nav)"'
    )
    assert decoded("apache", access, "x") == (
        [
            {
                "clientip": "127.0.0.1",
                "auth": "frank",
                "timestamp": at(2000, 10, 10, 20, 55, 36),
                "verb": "GET",
                "request": "/apache_pb.gif",
                "httpversion": "1.0",
                "response": 200,
                "bytes": 2326,
                "referrer": "http://www.example.com/start.html",
                "agent": "Mozilla/4.08 [en] (Win98; I ;Nav)",
            },
            {},
        ],
        [None, "not_apache"],
    )
    error = "[Fri Sep 09 10:42:29.902022 2011] [core:error] [pid 35708:tid 4328636416] [client 72.15.99.187:23] no file"
    found = decoded("apache", error, format="error")[0][0]
    assert (found["timestamp"], found["pid"], found["message"]) == (
        at(2011, 9, 9, 10, 42, 29, 902_022),
        35708,
        "no file",
    )


def test_csv_cells_are_typed(decoded):
    rows, reasons = decoded(
        "csv",
        '1,"a ""b"", c",1.5',
        '2,"",',
        "x,_,_",
        "1,2",
        '"1,2,3',
        '1,a"b"c,x',
        columns=["n", "text", "f"],
        types={"n": "int", "f": "float"},
    )
    assert rows == [
        {"n": 1, "text": 'a "b", c', "f": 1.5},
        {"n": 2, "text": ""},
        {"text": "_"},
        {},
        {},
        {"n": 1, "text": 'a"b"c'},
    ]
    assert reasons == [None, None, None, "wrong_columns", "wrong_columns", None]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ('"{""a"": [1, null]}"', '{"a": [1, null]}'),
        (" 1.50 ", "1.50"),
        ('"[1,\r2]"', "[1, 2]"),
        ('"1,""@timestamp"":2"', None),
        ("{oops", None),
        ("01", None),
        ("NaN", None),
        ("[1", None),
        ("", None),
    ],
)
def test_a_cell_of_type_json_is_json_or_null(decoded, cell, value):
    rows, _ = decoded("csv", f"x,{cell}", columns=["_", "b"], types={"b": "json"})
    assert rows[0].get("b") == value


def test_csv_leaves_out_the_line_of_names():
    """In quotes or not; other lines stay."""
    found = made("csv", columns=["a", "b"]).decode(pl.Series(["a,b", '"a","b"', "1,2"]), pl.Series([None] * 3))
    assert found.skipped is not None
    assert found.skipped.to_list() == [True, True, False]


def test_w3c_directives_are_no_events_unless_they_name_other_fields(decoded):
    """As IIS writes it."""
    rows, reasons = decoded(
        "w3c",
        "#Software: Microsoft Internet Information Services 10.0",
        "#Fields: date time cs-uri-stem cs(User-Agent) sc-status",
        "2026-01-31 12:00:00 /a Mozilla/5.0+(X11) 404",
        "2026-01-31 12:00:01 /b - -",
        "#Fields: date time",
        "2026-01-31 12:00:02",
        fields=["date", "time", "cs-uri-stem", "cs(User-Agent)", "sc-status"],
        types={"sc_status": "int"},
    )
    assert rows[2:4] == [
        {
            "date": "2026-01-31",
            "time": "12:00:00",
            "cs_uri_stem": "/a",
            "cs_user_agent": "Mozilla/5.0+(X11)",
            "sc_status": 404,
            "date_time": at(2026, 1, 31, 12),
        },
        {"date": "2026-01-31", "time": "12:00:01", "cs_uri_stem": "/b", "date_time": at(2026, 1, 31, 12, 0, 1)},
    ]
    assert reasons == [None, None, None, None, "other_fields", "wrong_columns"]


def test_cef_has_header_and_extension(decoded):
    """The examples of the format's implementation standard, with a syslog header before."""
    rows, reasons = decoded(
        "cef",
        r"Sep 19 08:26:10 host CEF:0|Security|threat\|manager|1.0|100|worm stopped|10|src=10.0.0.1 spt=1232 "
        r"msg=Detected a \= threat.\n No action needed request=http://x/?a=b",
        "CEF:0|a|b|c|d|e|f|",
        "CEF:0|a|b|c|d|e|f|junk",
        "CEF:0|a|b",
        demand={("spt",): api.INT},
    )
    assert rows[0] == {
        "cefVersion": 0,
        "deviceVendor": "Security",
        "deviceProduct": "threat|manager",
        "deviceVersion": "1.0",
        "deviceEventClassId": "100",
        "name": "worm stopped",
        "severity": "10",
        "spt": 1232,
        "@rest": r'{"src":"10.0.0.1","msg":"Detected a = threat.\n No action needed","request":"http://x/?a=b"}',
    }
    assert reasons == [None, None, "not_cef", "not_cef"]
