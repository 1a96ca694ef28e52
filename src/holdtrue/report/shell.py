"""What every page is made of: its templates, its own style and scripts, and the policy that lets nothing else in."""

import base64
import hashlib
import json
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from holdtrue.report.theme import DARK, LIGHT, css_variables

__all__ = ["TEMPLATES", "environment", "inert_json", "own_markup", "policy", "scripts", "style"]

TEMPLATES = Path(__file__).parent / "templates"


def own_markup(text: str) -> Markup:
    """Text of this package's own making, or made inert: the only text that isn't escaped."""
    return Markup(text)  # noqa: S704


def inert_json(value: object) -> str:
    """JSON that can't end its script element, open a comment or break a line of script."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


@cache
def environment() -> Environment:
    """The templates, which escape everything and stumble over anything that isn't given."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def style() -> str:
    """The style sheet with both themes' colours; paper is light."""
    light, dark = css_variables(LIGHT), css_variables(DARK)
    themes = (
        f":root{{{light}}}\n@media (prefers-color-scheme: dark){{:root{{{dark}}}}}\n@media print{{:root{{{light}}}}}\n"
    )
    return themes + (TEMPLATES / "report.css").read_text(encoding="utf-8")


@cache
def scripts() -> tuple[str, str]:
    """Vega with its embedder, and the few lines that start it; parsers turn CR into LF, which would change the hash."""
    import vl_convert

    bundle = (
        str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")).replace("\r\n", "\n").replace("\r", "\n")
    )
    # In JavaScript `<\/script` is the same string, and HTML doesn't take it for the end of the element.
    bundle = bundle.replace("</script", "<\\/script").replace("<!--", "<\\!--")
    return bundle, (TEMPLATES / "report.js").read_text(encoding="utf-8")


def policy(*scripts: str) -> str:
    """A content security policy that admits these scripts, by their hash, and nothing from anywhere else."""
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
