"""Writes src/topreward/_contract.py, the types of the contract, from openapi.yaml. ``generate.sh`` runs this program.

    python generate.py FILE

The output depends only on openapi.yaml and on the versions in requirements-dev.txt. A test compares it with the file in the
repository.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
CONTRACT = HERE.parent.parent / "openapi.yaml"
# Ranges and formats are not part of Python's types. With them, the generator names a type for each number.
UNTYPED = {
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "pattern", "format",
    "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "examples", "default", "contentMediaType",
    "contentEncoding", "additionalProperties",
}  # fmt: skip
OPTIONS = [
    "--input-file-type=openapi",
    "--output-model-type=typing.TypedDict",
    "--target-python-version=3.10",
    "--use-union-operator",
    "--use-standard-collections",
    "--use-schema-description",
    "--use-field-description",
    "--enum-field-as-literal=all",
    "--disable-timestamp",
    "--formatters=builtin",
]
HEADER = '"""Types of the contract. ``generate.sh`` writes this file from openapi.yaml: do not edit it."""\n'


def plain(value: Any) -> Any:
    """A schema without what Python's types cannot say. Members named like a keyword of JSON Schema are kept."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: {name: plain(schema) for name, schema in item.items()} if key == "properties" else plain(item)
        for key, item in value.items()
        if key not in UNTYPED
    }


def schemas() -> dict[str, Any]:
    """The schemas of the contract, and those of the options that are keyword arguments of the client."""
    named: dict[str, Any] = plain(yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))["components"]["schemas"])
    return named | {
        "EpisodeOptions": options(
            named["Episode"],
            {"instruction", "fps", "timestamps_s", "from_s", "to_s", "frame_digests", "method"},
            "Options of an episode, without its instruction, its method, its frames and their times.",
        ),
        "CalibrationOptions": options(named["CalibrationRequest"], {"episodes"}, "Options of a calibration."),
    }


def options(schema: dict[str, Any], own: set[str], description: str) -> dict[str, Any]:
    """:param own: members that are parameters of the client, or that the client sets itself"""
    members = {name: member for name, member in schema["properties"].items() if name not in own}
    return {"type": "object", "description": description, "properties": members}


def main() -> None:
    document = {"openapi": "3.1.0", "info": {"title": "", "version": ""}, "paths": {}, "components": {"schemas": schemas()}}
    output = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "openapi.json")
        source.write_text(json.dumps(document), encoding="utf-8")
        generator = [sys.executable, "-m", "datamodel_code_generator", f"--input={source}", f"--output={output}", *OPTIONS]
        subprocess.run(generator, check=True)
    code = output.read_text(encoding="utf-8")
    output.write_text(HEADER + code[code.index("\nfrom __future__") :], encoding="utf-8")
    ruff = [sys.executable, "-m", "ruff"]
    subprocess.run([*ruff, "check", "--quiet", "--fix-only", f"--config={HERE / 'pyproject.toml'}", output], check=True)
    subprocess.run([*ruff, "format", "--quiet", f"--config={HERE / 'pyproject.toml'}", output], check=True)


if __name__ == "__main__":
    main()
