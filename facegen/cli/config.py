"""`--config`: options of a command out of a TOML file, and the file that repeats a run.

A command of the class `ConfiguredCommand` takes all options that say what is made from a file, by
their names with `_` for `-`. What the command line gives wins.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import click
import msgspec
from click.core import ParameterSource

from facegen.errors import BadFileError, UsageError
from facegen.files import read_text
from facegen.records import RecordError, parse_record, parse_toml
from facegen.version import __version__

HOW = frozenset({"out", "yes", "json", "engine", "workers", "batch", "address", "config",
                 "print_config", "help"})  # fmt: skip
"""Options that say how or where something is made, and not what: the command line alone."""
_PRINTS = "facegen.prints_config"


class Listed(click.ParamType):
    """Texts or numbers with commas between; in a file also a list of them, or one alone.

    Args:
        of: The type of each, in a file.
    """

    name = "text"

    def __init__(self, of: type) -> None:
        self.of = of

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        """The text with commas."""
        return ",".join(map(str, value)) if isinstance(value, list) else str(value)


class ConfiguredCommand(click.Command):
    """A command with `--config FILE` and `--print-config`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += [
            click.Option(
                ["--config"],
                type=click.Path(dir_okay=False, path_type=Path),
                is_eager=True,
                expose_value=False,
                callback=_take,
                help="TOML with any of the options that say what is made; what the command line "
                "gives wins.",
            ),
            click.Option(
                ["--print-config"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=_note,
                help="Print such a file with the options given, make nothing.",
            ),
        ]

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, or print its settings."""
        if ctx.meta.get(_PRINTS):
            click.echo(config_text(ctx), nl=False)
            return None
        return super().invoke(ctx)


class _Needed(click.Parameter):
    def value_is_missing(self, value: Any) -> bool:
        """Where only the settings are printed, nothing needs to be given."""
        ctx = click.get_current_context(silent=True)
        return super().value_is_missing(value) and not (ctx and ctx.meta.get(_PRINTS))


class NeededArgument(_Needed, click.Argument):
    """An argument that `--print-config` does without."""


class NeededOption(_Needed, click.Option):
    """A required option that `--print-config` does without."""


def is_from_file(name: str) -> bool:
    """Whether a parameter of the running command has its value from the file."""
    source = click.get_current_context().get_parameter_source(name)
    return source is ParameterSource.DEFAULT_MAP


def config_text(ctx: click.Context | None = None, **instead: object) -> str:
    """The settings of a command as the TOML that repeats it.

    Args:
        ctx: Of the command; the running one unless given.
        instead: Parameter -> another value than the one that was given.
    """
    ctx = ctx or click.get_current_context()
    values = ctx.params | instead
    lines = [f"# Made by facegen {__version__}: {ctx.info_name} --config reads it."]
    for key, option in _options(ctx.command).items():
        value = values[option.name or ""]
        told = f"# {key} is not set." if value is None else f"{key} = {_toml(option, value)}"
        lines += ["", f"# {option.help}", told]
    return "\n".join(lines) + "\n"


def _note(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    ctx.meta[_PRINTS] = value


def _take(ctx: click.Context, _: click.Parameter, path: Path | None) -> None:
    if path is None:
        return
    text = read_text(path)
    try:
        ctx.default_map = _read(text, ctx.command)
    except RecordError as err:
        raise BadFileError(f"{path.name} holds no settings of {ctx.info_name}: {err}.") from err
    except UsageError as err:
        raise BadFileError(f"{path.name}: {err}") from err


def _read(text: str, command: click.Command) -> dict[str, Any]:
    """Parameter -> its value in a file.

    Raises:
        UsageError: a setting that there is not.
        RecordError: it is no TOML, or a value is of another type.
    """
    fields, options = parse_toml(text), _options(command)
    for key in fields:
        plain = key.replace("-", "_")
        if plain in HOW:
            raise UsageError(f"'{key}' says how or where, not what; give it on the command line.")
        if key not in options:
            near = get_close_matches(plain, options, n=1)
            advice = f"Did you mean {near[0]}?" if near else f"There are {', '.join(options)}."
            raise UsageError(f"{command.name} has no setting '{key[:60]}'. {advice}")
    kinds: Any = [(key, _kind(option), msgspec.UNSET) for key, option in options.items()]
    record = parse_record(json.dumps(fields), msgspec.defstruct("Settings", kinds))
    return {options[key].name or "": _plain(getattr(record, key)) for key in fields}


def _options(command: click.Command) -> dict[str, click.Option]:
    """Key of a file -> the option it stands for."""
    found = [one for one in command.params if isinstance(one, click.Option)]
    named = {max(one.opts, key=len).lstrip("-").replace("-", "_"): one for one in found}
    return {key: option for key, option in named.items() if key not in HOW}


def _kind(option: click.Option) -> Any:
    """What a file may say for an option, as a type."""
    kind: Any = str
    if option.is_flag:
        kind = bool
    elif isinstance(option.type, click.IntRange):
        kind = Annotated[int, msgspec.Meta(ge=option.type.min, le=option.type.max)]
    elif isinstance(option.type, click.FloatRange):
        kind = Annotated[float, msgspec.Meta(ge=option.type.min, le=option.type.max)]
    elif option.type in (click.INT, click.FLOAT):
        kind = int if option.type is click.INT else float
    elif isinstance(option.type, click.Choice):
        kind = int | str  # click says which there are
    elif isinstance(option.type, Listed):
        kind = str | list[option.type.of]  # type: ignore[name-defined]
        kind = kind | option.type.of
    return list[kind] if option.multiple else kind


def _number(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def _plain(value: Any) -> Any:
    """A value as click takes it: choices are texts."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _toml(option: click.Option, value: Any) -> str:
    if isinstance(option.type, click.Choice):
        value = _number(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(_toml(option, one) for one in value) + "]"
    # A text of JSON, and its numbers and truths, are the same in TOML, but for this character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
