"""Tables and progress of the command line: plain text for programs, stdout for results alone."""

from __future__ import annotations

from facegen.cli.shared import count_progress, print_table

ROWS: list[dict[str, object]] = [
    {"name": "[bold]yaw[/]", "unit": "deg", "value": 1.23456, "note": "x" * 300},
    {"name": "age", "unit": "years", "value": None, "note": ""},
]


def test_a_table_is_whole_plain_and_aligned_where_no_terminal_is(capsys):
    print_table(ROWS)
    out, err = capsys.readouterr()
    assert err == ""
    assert "\x1b" not in out
    header, first, second = (line.rstrip() for line in out.splitlines())
    assert header.split() == ["name", "unit", "value", "note"]
    assert first.split() == ["[bold]yaw[/]", "deg", "1.23", "x" * 300]
    assert second.split() == ["age", "years", "–"]
    assert first.index("1.23") + 4 == header.index("value") + 5 == second.index("–") + 1


def test_an_empty_table_is_nothing(capsys):
    print_table([])
    assert capsys.readouterr().out == ""


def test_progress_is_a_label_where_no_terminal_is(capsys):
    with count_progress("Turning") as progress:
        for done in range(3):
            progress(done + 1, 3)
        print("result")
    out, err = capsys.readouterr()
    assert out == "result\n"
    assert err == "Turning\n"


def test_progress_that_never_begins_is_silent(capsys):
    with count_progress("Fetching"):
        pass
    assert capsys.readouterr() == ("", "")


def test_a_bar_goes_to_stderr_and_results_to_stdout(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    with count_progress("Turning") as progress:
        progress(1, 4)
        print("result")
        progress(3, 4)
    out, err = capsys.readouterr()
    assert out == "result\n"
    assert "Turning" in err
    assert "3/4" in err
