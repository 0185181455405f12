"""Parses a command line of `vllm serve` with vLLM's own parser and starts nothing. Prints JSON: the values that vLLM
understood, and the flags that are unknown or abbreviated (argparse accepts any unique prefix of a flag)."""

import json
import sys

from vllm.entrypoints.launchers.cli_args import make_arg_parser, validate_parsed_serve_args
from vllm.utils.argparse_utils import FlexibleArgumentParser

subcommand, *line = sys.argv[1:]
if subcommand != "serve":
    sys.exit(f"not a supported subcommand: {subcommand}")
parser = make_arg_parser(FlexibleArgumentParser())
understood = parser.parse_args(line)
validate_parsed_serve_args(understood)
spelled = {option for action in parser._actions for option in action.option_strings}
flags = [word.split("=")[0] for word in line if word.startswith("--")]
json.dump(
    {"understood": vars(understood), "unknown": [flag for flag in flags if flag not in spelled]},
    sys.stdout,
    default=str,
)
