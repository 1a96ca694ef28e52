"""The hold that a request asks for: by name, or written out."""

import json
from collections.abc import Mapping

from pydantic import ValidationError

from holdtrue.errors import did_you_mean
from holdtrue.records import HoldSpec
from holdtrue.serve.failures import bad_request, shown
from holdtrue.serve.wire.fields import wrong, wrong_type

__all__ = ["hold_field", "named_hold"]


def hold_field(value: object, param: str) -> str | HoldSpec | None:
    """A hold's name, or a spec written out with or without its `schema`.

    Args:
        value: from a body that `json_object` parsed.
        param: what the refusal calls it.

    Raises:
        ApiError: 400, naming the field that doesn't fit.
    """
    if value is None:
        return None
    if isinstance(value, str):
        if not 1 <= len(value) <= 80:
            raise wrong(value, param, "a hold's name of 1 to 80 characters")
        return value
    if not isinstance(value, dict):
        raise wrong_type(value, param, 'a hold\'s name, or an object such as {"cap": {"fire": 0.05}}')
    fields = dict(value)
    schema = fields.pop("schema", HoldSpec.schema_id)
    if schema != HoldSpec.schema_id:
        raise wrong(schema, f"{param}.schema", f"'{HoldSpec.schema_id}', or left out")
    try:
        # Strict, and through JSON: "0.05" and true are no numbers, and a list may stand for a pair.
        spec = HoldSpec.model_validate_json(json.dumps(fields), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join([param, *map(str, first["loc"])])
        message = f"{shown(where)}: {first['msg']} (got {shown(first['input'])}); mend it, or name a hold"
        raise bad_request(message, param=where, code="invalid_hold") from None
    if not spec.name.isprintable():
        raise wrong(spec.name, f"{param}.name", "printable, on one line")
    return spec


def named_hold(hold: str | HoldSpec, holds: Mapping[str, HoldSpec], param: str = "holdtrue.hold") -> HoldSpec:
    """Look a hold up by name among those the server offers; a spec is its own. Never reads a file.

    Raises:
        ApiError: 400.
    """
    if isinstance(hold, HoldSpec):
        return hold
    if hold not in holds:
        message = f"no hold {shown(hold)}; {did_you_mean(hold[:80], list(holds))}"
        raise bad_request(message, param=param, code="hold_not_found")
    return holds[hold]
